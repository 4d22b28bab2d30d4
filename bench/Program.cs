using MigrationDashboard.Bench;
using MigrationDashboard.Core.Servers;
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
    "cutover" => await CutoverBench.RunAsync(lab, program, args.Length > 2 ? args[2] : "all", (args.Length > 3 ? args[3] : "existing") switch
    {
        "existing" => LinkKind.Existing,
        "openvpn" => LinkKind.OpenVpnTap,
        "vxlan" => LinkKind.Vxlan,
        var other => throw new InvalidOperationException($"There is no link {other}: existing, openvpn or vxlan."),
    }),
    "apply" => await ApplyBench.RunAsync(lab, program),
    _ => throw new InvalidOperationException($"There is no benchmark {name}."),
};
return ok ? 0 : 1;
