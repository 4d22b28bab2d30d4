using System.Security.Cryptography;

#pragma warning disable CA1416 // Unix file modes: the dashboard runs on Linux only.

namespace MigrationDashboard.Infrastructure.Processes;

/// <summary>
/// A directory in memory (tmpfs) that only this user can enter, for sockets and files that must never reach a disk.
/// It is removed at disposal; what a killed process left is removed by the next one.
/// </summary>
public sealed class RuntimeDirectory : IDisposable
{
    private const string Prefix = "migdash-";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    // flock(2) by .NET's FileShare.None: held as long as this process lives, however it ends.
    private readonly FileStream _lock;

    public RuntimeDirectory()
    {
        // Short on purpose: a Unix socket's path has at most 107 bytes (unix(7)), and ssh appends 17 to it while it binds.
        var parent = Directory.Exists("/dev/shm") ? "/dev/shm" : System.IO.Path.GetTempPath();
        RemoveLeftovers(parent);
        Path = System.IO.Path.Combine(parent, Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6)));
        Directory.CreateDirectory(Path, OwnerOnly);
        _lock = new FileStream(System.IO.Path.Combine(Path, "lock"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
    }

    public string Path { get; }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file that only this user can read.</summary>
    public async Task<string> WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        var path = File(name);
        await using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        await file.WriteAsync(content, cancellation);
        return path;
    }

    public void Dispose()
    {
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
        _lock.Dispose();
    }

    private static void RemoveLeftovers(string parent)
    {
        foreach (var directory in new DirectoryInfo(parent).EnumerateDirectories(Prefix + "*"))
        {
            // One that was just made may not have its lock yet.
            if (directory.CreationTimeUtc > DateTime.UtcNow.AddMinutes(-1))
                continue;
            try
            {
                using (new FileStream(System.IO.Path.Combine(directory.FullName, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None))
                    directory.Delete(recursive: true);
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                // In use by a running process, or another user's: not ours to remove.
            }
        }
    }
}
