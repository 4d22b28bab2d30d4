namespace MigrationDashboard.Web.Settings;

/// <summary>The folder that holds what must survive a restart: keys, the embedded database, sockets.</summary>
/// <param name="Path">Absolute; exists. Others may pass through it, since PostgreSQL refuses to run as root, but not look into it.</param>
public sealed record DataFolder(string Path)
{
    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>A folder in it that nobody else may enter.</summary>
    public DirectoryInfo Private(string name)
    {
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException();
        var folder = Directory.CreateDirectory(System.IO.Path.Combine(Path, name), Own);
        folder.UnixFileMode = Own;
        return folder;
    }

    /// <summary>The setting <c>Data</c> (<c>--data=/dir</c>), else ./data beside the project in development, else the state folder of the system or user.</summary>
    /// <exception cref="SettingsException">It cannot be made.</exception>
    public static DataFolder Open(IConfiguration configuration, IHostEnvironment environment)
    {
        var path = System.IO.Path.GetFullPath(configuration["Data"] is { Length: > 0 } given ? given : Default(environment));
        if (OperatingSystem.IsWindows()) throw new SettingsException(["The dashboard runs on Linux: it uses OpenSSH and unix sockets."]);
        try
        {
            Directory.CreateDirectory(path, Own | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            return new DataFolder(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException([$"Data: the folder {path} cannot be made: {e.Message}"]);
        }
    }

    private static string Default(IHostEnvironment environment)
    {
        if (environment.IsDevelopment()) return "data";
        // systemd sets the first for units with StateDirectory=; the second is the XDG base directory specification.
        if (Environment.GetEnvironmentVariable("STATE_DIRECTORY") is { Length: > 0 } unit) return unit;
        var state = Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } xdg
            ? xdg
            : System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state");
        return System.IO.Path.Combine(state, "migration-dashboard");
    }
}
