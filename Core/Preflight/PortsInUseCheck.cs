using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Are the ports free on new?</summary>
public sealed class PortsInUseCheck() : HostCheck("ports-in-use", "The ports are free on the new server")
{
    protected override IEnumerable<CheckResult> Judge(HostView view)
    {
        if (view.IsOld)
            return [];
        var results = view.Spec.Ports.Select(port => Judge(view, port)).OfType<CheckResult>().ToList();
        return results.Count > 0 ? results : [Result(view.Role, CheckStatus.Pass, $"nothing uses {view.Spec.Ports}")];
    }

    private CheckResult? Judge(HostView view, ForwardedPort port)
    {
        var containers = view.Host.Docker?.Containers ?? [];
        var container = containers.FirstOrDefault(container => container.Running && container.Ports.Any(published => published.HostPort == port.Number && published.Transport == port.Transport));
        var socket = view.Host.Sockets.FirstOrDefault(socket => socket.ForwardedPort == port);
        if (container is null && socket is null)
            return null;
        if (container is not null ? IsWorkload(view.Spec, container) : socket!.Unit is not null && view.Spec.Workload is SystemdUnit unit && unit.Unit.Value == socket.Unit)
            return null; // The application itself: another check tells whether it may run here.

        var who = container is not null ? $"the container {container.Name}" : socket!.Owner;
        return socket is { IsLoopback: true } && container is null
            ? Result(view.Role, CheckStatus.Fail, $"{port} is in use by {who} on {socket.Address}", "Clients are forwarded all the same, but at the cutover the application cannot take the port on all addresses.", Stop(socket, null))
            : Result(view.Role, CheckStatus.Fail, $"{port} is in use by {who}", "Its clients would be forwarded to the old server, and at the cutover the application cannot take the port.", Stop(socket, container));
    }

    private static bool IsWorkload(MigrationSpec spec, Container container) => spec.Workload switch
    {
        DockerContainer wanted => container.Name == wanted.Container.Value,
        ComposeProject wanted => container.ComposeProject == wanted.Project.Value,
        _ => false,
    };

    private static string Stop(ListeningSocket? socket, Container? container) =>
        container is not null ? $"Stop it or publish it elsewhere: docker stop {container.Name}."
        : socket?.Unit is { } unit ? $"Stop it or give it another port: systemctl disable --now {unit}." : "Stop it or give it another port.";
}
