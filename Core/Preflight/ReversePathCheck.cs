namespace MigrationDashboard.Core.Preflight;

/// <summary>Would the reverse-path filter drop what arrives over the link with clients' addresses?</summary>
public sealed class ReversePathCheck() : HostCheck("rp-filter", "Reverse-path filter on the link")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        var all = view.Host.Sysctl("net/ipv4/conf/all/rp_filter");
        var own = view.Host.Sysctl($"net/ipv4/conf/{view.Link}/rp_filter") ?? view.Host.Sysctl("net/ipv4/conf/default/rp_filter");

        // ip-sysctl.rst: the larger of "all" and the interface counts; 1 is strict, 2 loose.
        var strict = string.CompareOrdinal(all, own) > 0 ? all : own;
        var found = $"all = {all ?? "?"}, {view.Link} = {own ?? "?"}";
        yield return all is null
            ? Result(view.Role, CheckStatus.Unknown, "rp_filter could not be read")
            : strict == "1"
                ? Result(view.Role, CheckStatus.Pass, found, "Strict: packets with clients' addresses that come over the link would be dropped.", $"{view.Link} is set to 2 (loose) and put back at the end; all stays as it is.")
                : Result(view.Role, CheckStatus.Pass, found, "", $"{view.Link} is set to 2 (loose) and put back at the end.");
    }
}
