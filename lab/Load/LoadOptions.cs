using System.Net;
using System.Net.Sockets;

namespace MigrationDashboard.Load;

/// <summary>What one run does.</summary>
internal sealed record LoadOptions
{
    /// <summary>The servers to call, in turn. Never empty.</summary>
    public required IReadOnlyList<Target> Targets { get; init; }

    /// <summary>New connections (UDP: datagrams) a second, over all targets together; 0 for none.</summary>
    public double Rate { get; init; }

    /// <summary>When the last new connection is due. Nothing here runs without an end.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>At most so many new connections, and at most so many messages; null for as many as fit into the duration.</summary>
    public long? Count { get; init; }

    /// <summary>Addresses to call from, in turn, each target with those of its own family; empty leaves it to the kernel.</summary>
    public IReadOnlyList<IPAddress> Sources { get; init; } = [];

    /// <summary>How long a connection may take to be established.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the dialog after that may take; in a session, each question.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Long-lived sessions opened at the start; 0 for none.</summary>
    public int Sessions { get; init; }

    /// <summary>From one question of a session to its next.</summary>
    public TimeSpan SessionInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Messages delivered a second, over all targets of kind smtp; 0 for none.</summary>
    public double MailRate { get; init; }

    /// <summary>File that gets the id of each accepted message, one a line; null for none.</summary>
    public string? MailLog { get; init; }

    /// <summary>The run's name: the first part of each message's id.</summary>
    public required string Run { get; init; }

    /// <summary>The run ends in order as soon as this file is there; null for none.</summary>
    public string? StopFile { get; init; }

    /// <summary>Whether to print a line a second on standard error.</summary>
    public bool Progress { get; init; }

    /// <summary>The sources a target can be called from.</summary>
    public IReadOnlyList<IPAddress> SourcesFor(AddressFamily family) => [.. Sources.Where(source => source.AddressFamily == family)];
}
