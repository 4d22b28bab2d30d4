using MigrationDashboard.Bench.Viewing;

if (args is not [var name, var program, ..])
{
    Console.Error.WriteLine("Run by script/bench NAME.");
    return 2;
}

var number = args.Length > 2 ? int.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture) : (int?)null;
var ok = name switch
{
    "pages" => await PagesBench.RunAsync(program, number ?? 1_000_000),
    "viewers" => await ViewersBench.RunAsync(program, number ?? 200),
    _ => throw new InvalidOperationException($"There is no benchmark {name}."),
};
return ok ? 0 : 1;
