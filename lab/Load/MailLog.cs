namespace MigrationDashboard.Load;

/// <summary>The ids of accepted messages, one a line. A line is in the file before the next step of its delivery, so a killed run loses none.</summary>
internal sealed class MailLog : IDisposable
{
    private readonly Lock _lock = new();
    private readonly StreamWriter _file;

    /// <param name="path">Appended to when it exists; other programs may read it meanwhile.</param>
    /// <exception cref="IOException">It can't be written.</exception>
    public MailLog(string path) =>
        _file = new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true, NewLine = "\n" };

    public void Write(string id)
    {
        lock (_lock)
            _file.WriteLine(id);
    }

    public void Dispose() => _file.Dispose();
}
