namespace MigrationDashboard.Core.Workloads;

/// <summary>What has to be done on the other host before the workload can start there, and what of the first host has to get there: a plan to show, then to run.</summary>
/// <param name="Script">Makes everything but starts nothing; may be run again and again.</param>
/// <param name="Folders">What is kept equal until the workload has moved.</param>
/// <param name="Images">What the other host does not have yet.</param>
/// <param name="Actions">What the script will do, one line for people each.</param>
/// <param name="Notes">What will be different, or is to be known before.</param>
/// <param name="Errors">Why it cannot be done; the script is of use only when there are none.</param>
public sealed record Preparation(
    string Script,
    ValueList<SyncFolder> Folders,
    ValueList<ImageToMove> Images,
    ValueList<string> Actions,
    ValueList<string> Notes,
    ValueList<string> Errors);

/// <summary>A folder (or one file) that is made equal on the other host.</summary>
/// <param name="Source">Absolute path on the host where the workload runs.</param>
/// <param name="Target">Absolute path on the host it moves to.</param>
/// <param name="ByName">Files belong to the user of the same name there, rather than of the same number: right for processes of the host, wrong for containers.</param>
public sealed record SyncFolder(string Source, string Target, bool IsFile, bool ByName = false)
{
    /// <summary>The same for the way back.</summary>
    public SyncFolder Reverse() => new(Target, Source, IsFile, ByName);

    /// <summary>Why a path cannot be mirrored, or null when it can: whole system folders would take the other host apart, and a line break would be two paths.</summary>
    public static string? Refuse(string path) =>
        path.Length == 0 || path[0] != '/' ? $"{path} is not an absolute path"
        : path.Length > 4000 ? "the path is too long"
        : path.Any(char.IsControl) ? "a path with control characters cannot be moved"
        : path.Split('/').Any(part => part is "." or "..") ? $"{path} has . or .. in it"
        : IsSystem(path) ? $"{path} is a folder of the system itself"
        : null;

    /// <summary>Folders of the Filesystem Hierarchy Standard that hold what belongs to the host.</summary>
    private static bool IsSystem(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries) switch
    {
        [] => true,
        ["proc" or "sys" or "dev" or "run" or "boot" or "bin" or "sbin" or "lib" or "lib32" or "lib64" or "tmp", ..] => true,
        ["etc" or "home" or "var" or "root" or "opt" or "srv" or "mnt" or "media" or "lost+found"] => true,
        ["usr", "local", _, ..] => false,
        ["usr", ..] => true,
        ["var", "run" or "lock" or "tmp", ..] => true,
        ["var", "lib" or "log" or "cache" or "spool" or "mail"] => true,
        ["etc", var name, ..] => HostFiles.Contains(name),
        _ => false,
    };

    /// <summary>Files of /etc that say which host this is.</summary>
    private static readonly HashSet<string> HostFiles =
        ["localtime", "timezone", "hosts", "hostname", "resolv.conf", "passwd", "shadow", "group", "gshadow", "machine-id", "fstab", "nsswitch.conf", "os-release", "ssl", "ssh", "sudoers", "sudoers.d", "systemd", "network", "netplan"];
}

/// <param name="Id"><c>sha256:…</c>.</param>
/// <param name="SaveAs">What <c>docker save</c> is told: the name, which then comes along, or the id where the name is taken on the other host.</param>
public sealed record ImageToMove(string Id, string SaveAs);
