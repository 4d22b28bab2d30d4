using System.Globalization;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Does what moves fit on new, and what we store on each?</summary>
public sealed class DiskCheck() : PairCheck("disk", "Room on the disks")
{
    /// <summary>Bytes left free: a file system without room stops more than the migration.</summary>
    private const long Margin = 256L << 20;

    /// <summary>Bytes for configurations, scripts and logs on each host: well under one MiB, and what else writes meanwhile.</summary>
    private const long OwnRoom = 16L << 20;

    /// <summary>While an image is loaded, its layers lie there twice (docker load unpacks to a temporary folder first).</summary>
    private const int ImageCopies = 2;

    protected override IEnumerable<CheckResult> Judge(PreflightInput input, HostInventory old, HostInventory @new)
    {
        foreach (var (role, host) in new[] { (Stages.Role.Old, old), (Stages.Role.New, @new) })
            if (Of(host, Network.Allocation.HostFolder) is { } own && own.Available < OwnRoom)
                yield return Result(role, CheckStatus.Fail, $"{Shown(own.Available)} free at {own.Path}", "The migration's own files do not fit: nothing could be set or taken back.", $"Free {Shown(OwnRoom)} or more at {own.Path}.");
        if (!new HostView(input, Stages.Role.New, @new).MovesData)
            yield break;
        if (old.Sizes.Count == 0 || old.Sizes.Any(size => size.Kind == "missing"))
        {
            yield return Result(Stages.Role.New, CheckStatus.Unknown, old.Sizes.FirstOrDefault(size => size.Kind == "missing") is { } missing ? $"{missing.What} is not on old" : "the data on old were not measured");
            yield break;
        }

        if (old.Sizes.FirstOrDefault(size => size.Bytes is null) is { } slow)
            yield return Result(Stages.Role.New, CheckStatus.Warn, $"{slow.What} on old could not be added up in time", "It is not known whether it fits.", "Compare du on old with df on new by hand.");

        foreach (var (system, need) in Needs(input.Spec.Workload, old, @new))
        {
            var found = $"{Shown(need)} needed, {Shown(system.Available)} free at {system.Path}";
            yield return need + Margin > system.Available
                ? Result(Stages.Role.New, CheckStatus.Fail, found, "The copy would fill the disk, and stop other things with it.", $"Free {Shown(need + Margin - system.Available)} or more on the new server.")
                : Result(Stages.Role.New, CheckStatus.Pass, found);
        }
    }

    /// <summary>What is needed of each file system of new.</summary>
    private static IEnumerable<(FileSystem System, long Need)> Needs(Workload workload, HostInventory old, HostInventory @new)
    {
        var docker = @new.Docker?.RootFolder is { Length: > 0 } folder ? folder : "/var/lib/docker";
        var mounts = workload is DockerContainer or ComposeProject
            ? (old.Docker?.Containers ?? []).SelectMany(container => container.Mounts).Where(mount => mount.Kind == "volume").Select(mount => mount.Source).ToHashSet(StringComparer.Ordinal) : [];
        return old.Sizes.Where(size => size.Bytes is not null)
            .Select(size => size.Kind == "image" ? (Path: docker, Need: size.Bytes!.Value * ImageCopies) : (Path: mounts.Contains(size.What) ? docker : size.What, Need: size.Bytes!.Value))
            .Select(part => (System: Of(@new, part.Path), part.Need)).Where(part => part.System is not null)
            .GroupBy(part => part.System!, part => part.Need).Select(group => (group.Key, group.Sum()));
    }

    /// <summary>The file system a path is on: the one mounted nearest above it.</summary>
    private static FileSystem? Of(HostInventory host, string path) => host.FileSystems
        .Where(system => system.Path == "/" || path == system.Path || path.StartsWith(system.Path + "/", StringComparison.Ordinal)).MaxBy(system => system.Path.Length);

    private static string Shown(long bytes) => bytes >= 1L << 30
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB")
        : string.Create(CultureInfo.InvariantCulture, $"{(bytes + (1L << 20) - 1) >> 20} MiB");
}
