using System.Globalization;
using System.Text;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;

namespace MigrationDashboard.Core.Workloads;

/// <summary>What a cutover is expected to take, measured beforehand; milliseconds.</summary>
/// <param name="At">When it was measured.</param>
/// <param name="StopMs">Stopping, measured on the trial: the real one is not stopped for it.</param>
/// <param name="DeltaMs">A pass over the data while the workload runs, and reading again what was written meanwhile; 0 without data.</param>
/// <param name="Notes">What the trial could not be given, or why there was none.</param>
public sealed record CutoverBudget(DateTimeOffset At, long StopMs, long DeltaMs, long StartMs, long HealthMs, ValueList<string> Notes)
{
    /// <summary>Both hosts are held and released by one script each, and each of the four takes its SSH session: 0.2 s on a quick host, more on a slow one.</summary>
    public const long OverheadMs = 800;

    /// <summary>How long clients will wait, at the most likely.</summary>
    public long TotalMs => StopMs + DeltaMs + StartMs + HealthMs + OverheadMs;

    /// <summary>The hold would end by its limit before the cutover does. Connections that are open get their time inside the hold as well.</summary>
    public bool IsOver(MigrationSpec spec) => TotalMs + (long)(spec.QuietSeconds * 1000) > spec.HoldLimitSeconds * 1000L;

    public string Words => string.Create(CultureInfo.InvariantCulture,
        $"clients will wait about {TotalMs / 1000.0:0.0} s: stop {StopMs} ms, last copy {DeltaMs} ms, start {StartMs} ms, healthy after {HealthMs} ms more, switching {OverheadMs} ms");
}

/// <summary>One container, tried with no network at all: neither clients nor other services are reached by it, and it reaches nobody.</summary>
internal static class DockerRehearsal
{
    /// <param name="folders">The data that has been copied, on the host of the trial.</param>
    /// <returns>The script that tries it, and what the trial does without.</returns>
    public static (string Values, ValueList<string> Notes) Render(ContainerDefinition container, ValueList<SyncFolder> folders, DockerHost there, Allocation own, string health)
    {
        var notes = new List<string>();
        var room = $"{Allocation.HostFolder}/{own.Key}/rehearsal";
        var mounts = new List<ContainerMount>();
        foreach (var mount in container.Mounts)
        {
            var path = mount.Kind switch
            {
                MountKind.Bind => mount.Source.TrimEnd('/'),
                MountKind.Volume => there.Volumes.FirstOrDefault(volume => volume.Name == mount.Source)?.Mountpoint ?? $"{there.Settings.Root}/volumes/{mount.Source}/_data",
                _ => null,
            };
            var number = path is null ? -1 : folders.ToList().FindIndex(folder => folder.Target == path);
            if (mount.Kind == MountKind.Tmpfs)
                mounts.Add(mount);
            else if (number >= 0)
                mounts.Add(new(MountKind.Bind, string.Create(CultureInfo.InvariantCulture, $"{room}/{number + 1}"), mount.Target, mount.ReadOnly, "", []));
            else if (mount.ReadOnly)
                mounts.Add(mount);
            else
                // A socket or shared storage: through it a trial could change what is not its own.
                notes.Add($"{mount.Source} at {mount.Target} is left out of the trial: it is not a copy");
        }

        var trial = container with
        {
            Name = $"{container.Name}-rehearsal-{own.Key}",
            NetworkMode = "none",
            Networks = [],
            Published = [],
            Mounts = mounts.ToValueList(),
            Options = container.Options.Where(option => !OfNetworks.Any(word => option.StartsWith(word, StringComparison.Ordinal))).ToValueList(),
        };
        var create = CreateCommand.Of(trial, room);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"TRIAL={Shell.Quote(trial.Name)}\nROOM={room}\n");
        text.Append(Shell.Function("copies_wanted", string.Concat(folders.Index().Select(pair =>
            string.Create(CultureInfo.InvariantCulture, $"{pair.Index + 1}\t{(pair.Item.IsFile ? "file" : "folder")}\t{pair.Item.Target}\n")))));
        text.Append(create.Render(0)).Append("create_trial() { create_0 >/dev/null; }\n");
        text.Append(Shell.Function("health_text", health));
        return (text.ToString(), notes.ToValueList());
    }

    /// <summary>Where the application listens in its own network, by the ports clients call.</summary>
    public static string Targets(ContainerDefinition container) => string.Concat(
        from port in container.Published
        let inside = port.Inside.Split('/')
        where inside.Length == 2 && inside[1] == "tcp" && port.HostPort.Length > 0
        select $"{port.HostPort} 127.0.0.1 {inside[0]}\n");

    /// <summary>Options that mean nothing, or are refused, without a network.</summary>
    private static readonly string[] OfNetworks = ["--mac-address", "--publish-all", "--dns", "--add-host", "--link"];
}
