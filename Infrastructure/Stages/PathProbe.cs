using System.Net;
using System.Net.Sockets;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Stages;

/// <param name="Seen">The source address as the host that serves sees it; null when the connection was not found there.</param>
public sealed record PathProbeResult(ForwardedPort Port, IPAddress Called, bool Passed, IPAddress? Seen, string Finding);

/// <summary>
/// Opens a real connection to a server's public address and asks both servers, while it is open, which source address they see: the
/// application must see the one that entered.
/// </summary>
public sealed class PathProbe(OpenSsh ssh)
{
    /// <summary>A held or lost first SYN is repeated after one second; five are three tries and an answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <param name="via">The server that is called.</param>
    /// <param name="served">The server where the workload runs.</param>
    public async Task<IReadOnlyList<PathProbeResult>> RunAsync(
        Migration migration, Role via, Role served, Func<Role, SshTarget> target, CancellationToken cancellation)
    {
        var probes =
            from address in new[] { migration.Facts(via)?.PublicIpv4, Ipv6(migration, via) }
            where address is not null
            from port in migration.Spec.Ports
            where port.Transport == Transport.Tcp
            select ProbeAsync(migration, via, served, address, port, target, cancellation);
        return await Task.WhenAll(probes);
    }

    /// <summary>IPv6 is only promised where the link carries it.</summary>
    private static IPAddress? Ipv6(Migration migration, Role via) => migration.Spec.Link.Ipv6 is null ? null : migration.Facts(via)?.PublicIpv6;

    private async Task<PathProbeResult> ProbeAsync(
        Migration migration, Role via, Role served, IPAddress called, ForwardedPort port, Func<Role, SshTarget> target, CancellationToken cancellation)
    {
        using var socket = new Socket(called.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        var arrived = LinkAddress(migration, served, called.AddressFamily);
        try
        {
            // Its own port is known from the start, also when nobody ever answers.
            socket.Bind(new IPEndPoint(called.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0));
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(Patience);
            await socket.ConnectAsync(new IPEndPoint(called, port.Number), limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            var call = ((IPEndPoint)socket.LocalEndPoint!).Port;
            var entry = await EntryAsync(target(via), called, port, call, cancellation);
            var onward = via == served || arrived is null ? entry : await EntryAsync(target(served), arrived, port, call, cancellation);
            return new(port, called, false, null, $"no answer from {called} port {port} within {Patience.TotalSeconds:0} s: {ProbeScript.WhereLost(via, entry, served, onward)}");
        }
        catch (SocketException error)
        {
            return new(port, called, false, null, $"{called} port {port}: {error.Message}");
        }

        var local = (IPEndPoint)socket.LocalEndPoint!;
        var entered = await SeenAsync(target(via), called, port, local, cancellation);
        if (entered is null)
            return new(port, called, true, null, $"{called} port {port} answers; its conntrack entry was not found, so the source address could not be checked");
        if (via == served)
            return entered.ReplyTo.Equals(entered.Source)
                ? new(port, called, true, entered.Source, $"{called} port {port} answers and sees {entered.Source}")
                : new(port, called, false, entered.ReplyTo, $"{called} port {port} answers, but the source {entered.Source} is changed to {entered.ReplyTo}");

        var seen = arrived is null ? null : await SeenAsync(target(served), arrived, port, local, cancellation);
        if (seen is null)
            return new(port, called, false, null, $"{called} port {port} answers, but not from {served.ToString().ToLowerInvariant()}: the connection did not arrive there over the link");
        return seen.Source.Equals(entered.Source) && seen.ReplyTo.Equals(seen.Source)
            ? new(port, called, true, seen.Source, $"{called} port {port} is answered by {served.ToString().ToLowerInvariant()}, which sees {seen.Source}")
            : new(port, called, false, seen.Source, $"{called} port {port} is answered, but the application sees {seen.ReplyTo} instead of {entered.Source}");
    }

    private async Task<SeenConnection?> EntryAsync(SshTarget target, IPAddress arrived, ForwardedPort port, int sourcePort, CancellationToken cancellation)
    {
        var result = await ssh.RunAsync(target, new SshCommand(ProbeScript.Render(arrived, port, sourcePort)) { Name = "probe", AnyExitCode = true }, cancellation);
        return ProbeScript.Parse(result.Output) is [var entry, ..] ? entry : null;
    }

    private async Task<SeenConnection?> SeenAsync(SshTarget target, IPAddress arrived, ForwardedPort port, IPEndPoint local, CancellationToken cancellation)
    {
        foreach (var sourcePort in new[] { local.Port, 0 })
        {
            var result = await ssh.RunAsync(target, new SshCommand(ProbeScript.Render(arrived, port, sourcePort)) { Name = "probe", AnyExitCode = true }, cancellation);
            var found = ProbeScript.Parse(result.Output).Where(seen => seen.State == "ESTABLISHED" && (sourcePort != 0 || seen.Source.Equals(local.Address))).ToList();
            if (found.Count > 0)
                return found.Find(seen => seen.Source.Equals(local.Address)) ?? found[0];
        }

        return null;
    }

    private static IPAddress? LinkAddress(Migration migration, Role role, AddressFamily family)
    {
        var network = family == AddressFamily.InterNetwork ? migration.Spec.Link.Ipv4 : migration.Spec.Link.Ipv6;
        return role == Role.Old ? network?.Old : network?.New;
    }
}
