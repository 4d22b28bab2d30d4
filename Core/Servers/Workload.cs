namespace MigrationDashboard.Core.Servers;

/// <summary>What moves. One record a kind; what each can do is rendered in one place, <c>Core/Workloads</c>.</summary>
[System.Text.Json.Serialization.JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[System.Text.Json.Serialization.JsonDerivedType(typeof(DockerContainer), "docker")]
[System.Text.Json.Serialization.JsonDerivedType(typeof(ComposeProject), "compose")]
[System.Text.Json.Serialization.JsonDerivedType(typeof(SystemdUnit), "systemd")]
[System.Text.Json.Serialization.JsonDerivedType(typeof(CustomCommands), "commands")]
public abstract record Workload
{
    /// <summary>How it is recognised as up on a server; run on the server itself.</summary>
    public HealthCheck Health { get; init; } = HealthCheck.TcpConnect;

    /// <summary>How long a graceful stop may take, seconds, before it counts as failed. 1 to 600; in an exclusive cutover it fits into the hold.</summary>
    public int StopSeconds { get; init; } = 10;

    /// <summary>How long a start until healthy may take, seconds. 1 to 600; in an exclusive cutover it fits into the hold.</summary>
    public int StartSeconds { get; init; } = 20;

    /// <summary>What stands in its way on the other server by the same name may be replaced: data is overwritten, a stopped container is put aside under another name.</summary>
    public bool Replace { get; init; }

    /// <summary>One word for pages and logs: <c>mail (docker)</c>.</summary>
    public abstract string Label { get; }
}

public sealed record DockerContainer(DockerName Container) : Workload
{
    public override string Label => $"{Container} (docker)";
}

/// <param name="Folder">Absolute path of the folder with the Compose file, the same on both servers.</param>
public sealed record ComposeProject(DockerName Project, string Folder) : Workload
{
    public override string Label => $"{Project} (compose)";
}

/// <param name="DataFolders">Absolute paths of folders that move with the unit.</param>
public sealed record SystemdUnit(UnitName Unit, ValueList<string> DataFolders) : Workload
{
    public override string Label => $"{Unit} (systemd)";
}

/// <summary>The operator's own commands, run by <c>sh -c</c> as root on the server: the one place where text of the operator is code by intent.</summary>
public sealed record CustomCommands(string Start, string Stop, string HealthCommand, ValueList<string> DataFolders) : Workload
{
    public override string Label => "own commands";
}

public enum HealthKind
{
    TcpConnect,
    Banner,
    Http,
    Tls,
    Command,
    Https,
}

/// <param name="Expect">For a banner: the text its first line must begin with; for HTTP: the status code, 200 when null; for a command: the command. Null otherwise.</param>
/// <param name="Path">HTTP path beginning with a slash; null otherwise.</param>
/// <param name="Port">The one TCP port of the migration that is asked so, the others only having to take a connection; null for all of them.</param>
public sealed record HealthCheck(HealthKind Kind, string? Expect = null, string? Path = null, ushort? Port = null)
{
    /// <summary>Every TCP port of the migration takes a connection.</summary>
    public static HealthCheck TcpConnect { get; } = new(HealthKind.TcpConnect);
}
