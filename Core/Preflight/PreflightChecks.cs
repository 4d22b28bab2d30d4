namespace MigrationDashboard.Core.Preflight;

/// <summary>Everything that is asked before a migration, in the order in which an operator would read it.</summary>
public static class PreflightChecks
{
    public static ValueList<Check> All { get; } =
    [
        new ReachCheck(), new SameServerCheck(), new SshPortCheck(),
        new KernelCheck(), new ToolsCheck(), new SystemdCheck(), new CheckpointCheck(), new RulesBackendCheck(), new ClockCheck(),
        new PublicAddressCheck(), new Ipv6Check(), new LinkInterfaceCheck(), new LinkAddressCheck(), new TunnelCheck(), new NetworkOverlapCheck(),
        new MarkCheck(), new PolicyRoutingCheck(), new ReversePathCheck(), new ForwardingCheck(),
        new ForwardFirewallCheck(), new InputFirewallCheck(), new FlushCheck(), new NetworkManagerCheck(), new ClusterNetworkCheck(),
        new ConntrackToolCheck(), new ConntrackFillCheck(),
        new WorkloadCheck(), new WorkloadPortsCheck(), new PortsInUseCheck(), new DockerCheck(), new EgressCheck(), new RsyncCheck(), new DiskCheck(), new LeftoverCheck(),
    ];

    /// <summary>Asks all. A check that breaks is an <see cref="CheckStatus.Error"/> of its own and stops no other.</summary>
    public static ValueList<CheckResult> Run(PreflightInput input) => All.SelectMany(check => Run(check, input)).ToValueList();

    /// <summary>Nothing stands in the way: no failure, no error, and nothing that could not be looked at.</summary>
    public static bool Allows(IEnumerable<CheckResult> results) => results.All(result => result.Status is CheckStatus.Pass or CheckStatus.Warn);

    public static IEnumerable<CheckResult> Run(Check check, PreflightInput input)
    {
        try
        {
            return check.Judge(input).ToList();
        }
        catch (Exception problem)
        {
            return [new(check.Id, check.Title, null, CheckStatus.Error, problem.Message, "This could not be evaluated.", "Report it with the reading of both servers.")];
        }
    }
}
