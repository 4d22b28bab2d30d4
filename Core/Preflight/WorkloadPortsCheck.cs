using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Does the application on old take connections that arrive for the link's address?</summary>
public sealed class WorkloadPortsCheck() : HostCheck("workload-ports", "The application takes forwarded connections")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        if (!view.IsOld)
            return [];
        var results = view.Spec.Ports.SelectMany(port => Judge(view, port)).ToList();
        return results.Count > 0 ? results : [Result(view.Role, CheckStatus.Pass, $"{view.Spec.Ports} on {string.Join(" and ", view.LinkNetworks.Select(view.LinkAddress))}")];
    }

    private IEnumerable<CheckResult> Judge(HostView view, ForwardedPort port)
    {
        var (open, published) = Addresses(view, port);
        if (open.Count == 0)
        {
            yield return Result(view.Role, CheckStatus.Fail, published ? $"the container does not publish {port}" : $"nothing listens on {port}", "Forwarded clients would be refused.",
                published ? $"Publish it: docker run -p {port.Number}:… , or take the port out of the migration." : "Start the application, or take the port out of the migration.");
            yield break;
        }

        foreach (var network in view.LinkNetworks)
        {
            var wanted = view.LinkAddress(network);
            if (open.Any(takes => takes.Takes(wanted)))
                continue;
            var shown = string.Join(", ", open.Select(takes => takes.Address).Distinct());
            var otherFamily = open.All(takes => takes.Address.AddressFamily != wanted.AddressFamily);
            yield return otherFamily && wanted.AddressFamily == AddressFamily.InterNetworkV6
                ? Result(view.Role, CheckStatus.Warn, $"{port} is open on {shown} only", "The link carries IPv6, but the application does not take it: such clients are refused, as they are today.", "Let the application listen on IPv6 too, or leave IPv6 out of the link.")
                : Result(view.Role, CheckStatus.Fail, $"{port} is open on {shown} only", $"Forwarded connections arrive for the link's address {wanted} and would be refused.",
                    published ? "Publish the port on all addresses." : $"Let the application listen on all addresses, or on {wanted} as well.");
        }
    }

    /// <summary>Where the port is open, and whether Docker's publishing decides that.</summary>
    private static (List<ListeningSocket> Open, bool Published) Addresses(HostView view, ForwardedPort port)
    {
        var containers = view.Spec.Workload switch
        {
            DockerContainer container => new[] { view.Host.Docker?.Container(container.Container.Value) }.OfType<Container>().ToList(),
            ComposeProject project => view.Host.Docker?.Project(project.Project.Value).ToList() ?? [],
            _ => [],
        };
        if (containers.Count > 0 && containers.All(container => container.NetworkMode != "host"))
            return (containers.SelectMany(container => container.Ports).Where(published => published.HostPort == port.Number && published.Transport == port.Transport)
                .Select(published => new ListeningSocket(port.Transport, published.Address, port.Number, null, null, null, null, null)).ToList(), true);
        return (view.Host.Sockets.Where(socket => socket.ForwardedPort == port && (socket.Interface is null || socket.Interface == view.Link)).ToList(), false);
    }
}
