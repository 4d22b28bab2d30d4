using MigrationDashboard.Core.Inventory;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Does a cluster's network own this host's packets?</summary>
public sealed class ClusterNetworkCheck() : HostCheck("cluster-network", "No cluster network in the way")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        var host = view.Host;
        var cilium = Evidence(host, "cilium_", "CILIUM_", "cilium");
        var calico = Evidence(host, "cali", "cali-", "calico");
        var kube = host.Managers.Active.FirstOrDefault(unit => unit is "kubelet.service" or "k3s.service") ?? Evidence(host, "cni0", "KUBE-", "kube-");
        if (cilium is not null || calico is not null)
            yield return Result(view.Role, CheckStatus.Fail, $"{(cilium is null ? "Calico" : "Cilium")}: {cilium ?? calico}", cilium is not null
                    ? "Cilium handles packets in eBPF before and beside netfilter: our rules may never see them, and its marks use the same bits."
                    : "Calico uses the upper half of the mark (0xffff0000), where ours would be.",
                "Such a server cannot take part. Move the application inside the cluster instead.");
        else if (kube is not null)
            yield return Result(view.Role, CheckStatus.Warn, $"Kubernetes: {kube}", "kube-proxy has rules and marks of its own (0x4000, 0x8000), which do not collide with ours; but it may publish the same ports.", "Ours come first. Check that no NodePort or host port is one of the migration's.");
        else
            yield return Result(view.Role, CheckStatus.Pass, "neither Cilium, Calico nor Kubernetes");
    }

    private static string? Evidence(HostInventory host, string interfaces, string chains, string service) =>
        host.Links.FirstOrDefault(link => link.Name.StartsWith(interfaces, StringComparison.Ordinal)) is { } link ? $"interface {link.Name}"
        : host.Firewall.Iptables.FirstOrDefault(chain => chain.Name.StartsWith(chains, StringComparison.Ordinal)) is { } chain ? $"chain {chain.Name}"
        : host.Firewall.Nft.FirstOrDefault(table => table.Name.Contains(service, StringComparison.Ordinal)) is { } table ? $"nft table {table.Name}"
        : host.Services.FirstOrDefault(running => running.Unit.StartsWith(service, StringComparison.Ordinal)) is { } running ? running.Unit : null;
}
