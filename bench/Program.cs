using MigrationDashboard.Bench;
using MigrationDashboard.Driver;

if (args is not [var name, var program, ..])
{
    Console.Error.WriteLine("Run by script/bench NAME.");
    return 2;
}

var lab = await Lab.AttachAsync();
if (name == "faults")
    return await FaultsBench.RunAsync(lab, program, args[2], args[3..]);
var ok = name switch
{
    "cutover" => await CutoverBench.RunAsync(lab, program, args.Length > 2 ? args[2] : "all"),
    "apply" => await ApplyBench.RunAsync(lab, program),
    _ => throw new InvalidOperationException($"There is no benchmark {name}."),
};
return ok ? 0 : 1;
