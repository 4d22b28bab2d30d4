using System.Collections.Concurrent;

namespace MigrationDashboard.Core.HostScripts;

/// <summary>The shell texts beside this file, built into the assembly.</summary>
public static class ScriptFile
{
    private static readonly ConcurrentDictionary<string, string> Texts = new();

    public static string Read(string name) => Texts.GetOrAdd(name, static name =>
    {
        using var stream = typeof(ScriptFile).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"There is no script {name}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    });
}
