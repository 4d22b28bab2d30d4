using System.Text;
using MigrationDashboard.Core.HostScripts;

namespace MigrationDashboard.Core.Workloads;

/// <summary>What the inspection of a host found for a workload that is made of the host's own processes.</summary>
/// <param name="Owners">Who owns what is in the folders: <c>u postfix</c>, <c>g mail</c>.</param>
/// <param name="Accounts">Who is known on the host, spelled likewise.</param>
/// <param name="Files">The administrator's own unit files, path and text.</param>
internal sealed record HostInspection(
    ValueList<HostPath> Paths,
    ValueList<string> Owners,
    ValueList<string> Accounts,
    ValueList<KeyValuePair<string, string>> Files,
    string Load,
    bool Enabled,
    ValueList<string> EnvironmentFiles)
{
    /// <exception cref="InvalidInputException">The output is not that of a successful inspection.</exception>
    public static HostInspection Parse(string inspected)
    {
        var output = ScriptOutput.Parse(inspected);
        if (output.Failure is { } failure)
            throw new InvalidInputException("inspection", failure.Output);
        var unit = output.Result("unit");
        return new(
            output.Results.Where(result => result.Name == "path").Select(result => new HostPath(result.Json.Text("path") ?? "", result.Json.Text("kind") ?? "missing")).ToValueList(),
            output.Result("owners")?.Lines("data") ?? [],
            output.Result("accounts")?.Lines("data") ?? [],
            output.Results.Where(result => result.Name == "file").Select(result => KeyValuePair.Create(result.Json.Text("path") ?? "", result.Json.Text("text") ?? "")).ToValueList(),
            unit?.Text("load") ?? "",
            unit?.Text("enabled") == "enabled",
            unit?.Lines("environmentFiles") ?? []);
    }
}

/// <summary>The plan for folders that move by the names of their owners.</summary>
internal sealed class HostPlan(HostInspection from, HostInspection to)
{
    public List<string> Actions { get; } = [];

    public List<string> Notes { get; } = [];

    public List<string> Errors { get; } = [];

    public StringBuilder Functions { get; } = new();

    public StringBuilder Steps { get; } = new();

    private readonly List<SyncFolder> folders = [];

    public void Step(string name, params IEnumerable<string> command) => Steps.Append("  step ").Append(Shell.Quote(name)).Append(' ').Append(Shell.Words(command)).Append('\n');

    public void Folders(IEnumerable<string> paths)
    {
        foreach (var path in paths.Select(path => path.Length > 1 ? path.TrimEnd('/') : path).Distinct().Order(StringComparer.Ordinal))
        {
            var kind = from.Paths.FirstOrDefault(found => found.Path.TrimEnd('/') == path)?.Kind ?? "missing";
            if (SyncFolder.Refuse(path) is { } reason)
                Errors.Add(reason);
            else if (kind is not ("folder" or "file"))
                Errors.Add($"{path} is not there on the first host");
            else
            {
                folders.Add(new(path, path, kind == "file", ByName: true));
                Actions.Add($"make {path}, if it is not there");
                Step(path, kind == "file" ? "make_file" : "make_folder", path);
            }
        }

        foreach (var missing in from.Owners.Except(to.Accounts))
            // find prints the number where it knows no name; numbers stay what they are.
            if (!missing[2..].All(char.IsAsciiDigit))
                Errors.Add($"{(missing[0] == 'u' ? "user" : "group")} {missing[2..]}, who owns files that move, is not known on the other host: install what makes it, or make it");
    }

    public Preparation Make(Func<string, string> script) =>
        new(script(Functions + "prepare() {\n" + Steps + "}\n"), folders.ToValueList(), [], Actions.ToValueList(), Notes.ToValueList(), Errors.ToValueList());
}
