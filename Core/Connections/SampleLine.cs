using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Connections;

/// <summary>One line of a host's sampler: what is counted there now.</summary>
/// <param name="HostClock">The host's own clock, whole seconds: only good for seeing how far it is off.</param>
/// <param name="Cost">CPU time since the line before, in steps of 10 ms.</param>
/// <param name="Pass">How long taking the counts took, in steps of 10 ms.</param>
/// <param name="NextFull">From the beginning of this pass to the next one that lists connections.</param>
/// <param name="ConntrackEntries">Entries in the host's table of connections, of any kind.</param>
/// <param name="ConntrackMost">Its limit: past it the host drops new connections. 0 without connection tracking.</param>
/// <param name="Full">Connections were listed. Otherwise the line holds counters only, which cost nothing.</param>
/// <param name="Reader">What listed them: <c>proc</c>, <c>conntrack</c> or <c>ss</c>, which sees processes of the host itself only; null unless full.</param>
/// <param name="Error">Why connections could not be listed; null when they could, or were not to be.</param>
public sealed record SampleLine(
    DateTimeOffset HostClock,
    TimeSpan Cost,
    TimeSpan Pass,
    TimeSpan NextFull,
    long ConntrackEntries,
    long ConntrackMost,
    bool Full,
    string? Reader,
    string? Error,
    ValueList<MigrationLine> Migrations);

/// <param name="Key">The migration's name on hosts, <see cref="Network.Allocation.Key"/>.</param>
/// <param name="Counters">Of each family; none while the host has no rules of the migration.</param>
/// <param name="Counts">What is missing is zero, on a full line.</param>
/// <param name="Distinct">How many clients each path has.</param>
/// <param name="Capped">There are more clients than the host is asked to remember: <see cref="Distinct"/> and <see cref="Clients"/> miss some.</param>
public sealed record MigrationLine(
    string Key,
    ValueList<CounterReading> Counters,
    ValueList<PathCount> Counts,
    ValueList<PathClients> Distinct,
    bool Capped,
    ValueList<ClientCount> Clients);

/// <summary>The counters of one family as they stand.</summary>
/// <param name="Epoch">Changes whenever they began again from zero and that can be told: another boot, another table, other rules.</param>
/// <param name="Path">The path of what comes from outside, by the rules in force.</param>
/// <param name="Outside">New connections from outside, since the epoch began.</param>
/// <param name="Link">New connections over the link.</param>
/// <param name="Held">Packets dropped by the hold; one connection tries several times.</param>
public sealed record CounterReading(AddressFamily Family, string Epoch, ConnectionPath Path, long Outside, long Link, long Held);

/// <param name="Established">Established TCP connections; UDP flows with packets both ways.</param>
/// <param name="Other">Entries in any other state: opening, closing, or closed lately.</param>
public sealed record PathCount(ConnectionPath Path, AddressFamily Family, ForwardedPort Port, long Established, long Other);

/// <param name="Clients">Different addresses.</param>
/// <param name="Entries">Different addresses and ports: when as many are listed, the list is whole.</param>
public sealed record PathClients(ConnectionPath Path, long Clients, long Entries);

/// <param name="Other">Answered connections that are closing or were closed lately; those never answered are not counted.</param>
public sealed record ClientCount(ConnectionPath Path, IPAddress Client, ForwardedPort Port, long Established, long Other);

/// <summary>A line that was read, or why it could not be.</summary>
public sealed record LineReading(SampleLine? Line, string? Error);
