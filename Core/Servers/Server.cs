namespace MigrationDashboard.Core.Servers;

/// <summary>A server as the operator registered it.</summary>
/// <param name="Host">Name or address by which the dashboard reaches it.</param>
/// <param name="HostKeys">Lines of known_hosts without the name: type and key. Pinned: a server that shows another stops everything.</param>
/// <param name="KeyId">The dashboard's key pair that the server's account accepts.</param>
public sealed record Server(Guid Id, string Name, string Host, int Port, string User, ValueList<string> HostKeys, Guid KeyId, DateTimeOffset CreatedAt);
