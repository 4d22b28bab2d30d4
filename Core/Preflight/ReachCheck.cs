using System.Globalization;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Can the dashboard sign in on the pinned host key and become root?</summary>
public sealed class ReachCheck() : Check("reach", "Reached by SSH, as root")
{
    public override IEnumerable<CheckResult> Judge(PreflightInput input)
    {
        foreach (var role in new[] { Role.Old, Role.New })
            yield return input.Reading(role) switch
            {
                { Failure: { } failure } => Failed(role, failure),
                { Inventory: { System.UserId: not 0 } host } => Result(role, CheckStatus.Fail, string.Create(CultureInfo.InvariantCulture, $"the reading ran with user id {host.System.UserId}"),
                    "Rules and routes can only be changed by root.", "Let the account run /bin/sh by sudo without a password."),
                { Inventory: { } host } => Result(role, CheckStatus.Pass, string.Create(CultureInfo.InvariantCulture, $"{host.System.Hostname}, {host.System.Distribution}, read in {host.System.Took.TotalMilliseconds:0} ms")),
                _ => Result(role, CheckStatus.Unknown, "the server was not read yet"),
            };
    }

    private CheckResult Failed(Role role, ReachFailure failure)
    {
        var (means, willDo) = failure.Kind switch
        {
            ReachFailureKind.Unreachable => ("Nothing can be read or changed there.", "Check the address, the port and firewalls on the way, then check again."),
            ReachFailureKind.Refused => ("Nothing can be read or changed there.", "Check the port, and sshd's limits (MaxStartups, MaxSessions), then check again."),
            ReachFailureKind.KeyRefused => ("The account does not take the dashboard's key.", "Add the dashboard's public key to the account's authorized_keys."),
            ReachFailureKind.HostKeyUnknown => ("It is not certain that this is your server.", "Compare the host key that is shown with the server's own, and confirm it."),
            ReachFailureKind.HostKeyChanged => ("The server was installed anew, or somebody is in between. Nothing was sent.", "Find out why the key changed before you confirm the new one."),
            ReachFailureKind.NoSudo => ("Rules and routes can only be changed by root.", "Add the sudo rule that the server's page shows for copying."),
            ReachFailureKind.Interrupted => ("The connection did not last for one reading.", "Check again; look at the network between the dashboard and the server if it stays."),
            _ => ("What came back is not what a server answers.", "Sign in by hand and see whether a login script prints or ends things."),
        };
        return Result(role, CheckStatus.Fail, failure.Detail, means, willDo);
    }
}
