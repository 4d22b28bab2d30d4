using System.Text.Json;
using System.Text.RegularExpressions;
using MigrationDashboard.Driver;
using MigrationDashboard.Driver.Faults;

namespace MigrationDashboard.Bench;

/// <summary>Everything that can go wrong in every stage, with clients calling meanwhile: one JSON line a case, and a table.</summary>
internal static class FaultsBench
{
    /// <summary>The world is no longer as the next case needs it: script/bench makes another one and goes on.</summary>
    public const int AnotherWorld = 75;

    /// <param name="patterns">Cases as <c>stage/fault</c>, with <c>*</c>; none for all.</param>
    /// <param name="done">File of the lines so far: its cases are not run again.</param>
    public static async Task<int> RunAsync(Lab lab, string program, string done, IReadOnlyList<string> patterns)
    {
        var finished = File.Exists(done) ? (await File.ReadAllLinesAsync(done)).Select(Read).OfType<FaultResult>().ToList() : [];
        var wanted = FaultCases.All.Where(one => patterns.Count == 0 || patterns.Any(pattern => Matches(pattern, Name(one.Move.Name, one.Fault.Name)))).ToList();
        var open = wanted.Where(one => !finished.Any(result => (result.Stage, result.Fault) == (one.Move.Name, one.Fault.Name))).ToList();
        Report.Say($"{wanted.Count} cases, {open.Count} to run");
        await using (var world = await World.MakeAsync(lab, program))
        {
            foreach (var (move, fault) in open)
            {
                var result = await TryAsync(world, move, fault);
                finished.Add(result);
                await File.AppendAllTextAsync(done, JsonSerializer.Serialize(result) + "\n");
                Print(result);
                var logs = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(done)!, "faults"));
                await File.WriteAllTextAsync(Path.Combine(logs.FullName, $"{move.Name}-{fault.Name}.log"), $"{result}\n\n{await world.LogAsync()}\n{(result.Holds ? "" : await lab.DiagnoseAsync())}");
                if (!result.StateAgrees || !result.SshOk || result.Outcome == "neither")
                    return AnotherWorld;
            }

            // The servers are left as they were found, for the next who use them.
            await world.GoToAsync(Core.Stages.Stage.Preflight);
        }

        var all = finished.Where(result => wanted.Any(one => (one.Move.Name, one.Fault.Name) == (result.Stage, result.Fault))).ToList();
        Table(all);
        return all.Count == wanted.Count && all.TrueForAll(result => result.Holds) ? 0 : 1;
    }

    private static async Task<FaultResult> TryAsync(World world, Move move, Fault fault)
    {
        Report.Say($"{Name(move.Name, fault.Name)}…");
        try
        {
            return await world.RunAsync(move, fault);
        }
        catch (Exception problem)
        {
            Report.Say(problem.ToString());
            return new(move.Name, fault.Name, "neither", 0, null, false, false, 0, 0, problem.Message);
        }
    }

    private static void Print(FaultResult result)
    {
        Report.Line(new
        {
            Bench = "faults",
            result.Stage,
            result.Fault,
            result.Outcome,
            result.Failed,
            result.LossExpected,
            result.SshOk,
            result.StateAgrees,
            result.Seconds,
            result.Connections,
            result.LossReason,
        });
        Report.Say($"  {(result.Holds ? "holds" : "DOES NOT HOLD")}  {result.Said}");
    }

    private static void Table(IReadOnlyList<FaultResult> results)
    {
        Report.Say("");
        Report.Say($"{"stage",-13} {"fault",-25} {"outcome",-10} {"failed",7} {"of",7}  {"ssh",-4} {"agrees",-7} {"s",6}  loss may happen because");
        foreach (var result in results)
            Report.Say($"{result.Stage,-13} {result.Fault,-25} {result.Outcome,-10} {result.Failed,7} {result.Connections,7}  {(result.SshOk ? "yes" : "NO"),-4} {(result.StateAgrees ? "yes" : "NO"),-7} {result.Seconds,6:0.0}  {result.LossReason}{(result.Holds ? "" : "   ← DOES NOT HOLD")}");
        Report.Say($"{results.Count(result => result.Holds)} of {results.Count} hold");
    }

    private static FaultResult? Read(string line) => line.StartsWith('{') ? JsonSerializer.Deserialize<FaultResult>(line) : null;

    private static string Name(string move, string fault) => $"{move}/{fault}";

    private static bool Matches(string pattern, string name) => Regex.IsMatch(name, "^" + Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal) + "$");
}
