using MigrationDashboard.Core;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Stages;

/// <summary>
/// While clients wait, each step's scripts are read by their host during the step before: to reach a host, become root and parse costs as much as some of
/// the steps themselves (docs/decisions/042).
/// </summary>
internal sealed class PoisedSteps(OpenSsh ssh, HostSteps hosts, RunContext context, ValueList<Step> steps) : IDisposable
{
    private readonly List<IDisposable> _poised = [];

    /// <param name="step">Has just begun.</param>
    public void PoiseDuring(Step step)
    {
        if (step is Step.Apply { Held: true } && Next<Step.Leave>() is { } leave)
            Poise([(leave.From, WorkloadSteps.LeaveScript(context, leave))]);
        else if (step is Step.Leave && Next<Step.Arrive>() is { } arrive && Next<Step.HandOver>() is { } hand && steps.OfType<Step.Apply>().LastOrDefault(apply => apply.Commit) is { } release)
            Poise([(arrive.To, WorkloadSteps.StartScript(context, arrive)), .. hosts.EndOfHold(context, hand, release)]);
    }

    public void Dispose() => _poised.ForEach(one => one.Dispose());

    private T? Next<T>() where T : Step => steps.OfType<T>().FirstOrDefault();

    private void Poise(IEnumerable<(Role Role, string Script)> scripts) => _poised.Add(ssh.Poise(scripts.Select(one => (context.Target(one.Role), new SshCommand(one.Script)))));
}
