using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace MigrationDashboard.Infrastructure.Connections;

/// <summary>Counts connections on all hosts that have migrations under way, as long as the dashboard runs; nodes share the hosts by leases.</summary>
public sealed class ConnectionSampler(
    ISampledMigrations migrations, IHostLines hosts, SamplerLeases leases, SampleStore store, TimeProvider time, ILogger<ConnectionSampler> logger) : BackgroundService
{
    /// <summary>How often leases are renewed and it is asked what to count: three times within <see cref="SamplerLeases.Length"/>, so that one that fails does no harm.</summary>
    public static readonly TimeSpan Round = SamplerLeases.Length / 3;

    private readonly Dictionary<Guid, HostSampling> _running = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The host's start waits for whatever runs before the first real wait.
        await Task.Yield();
        try
        {
            while (true)
            {
                try
                {
                    await RoundAsync(stoppingToken);
                }
                catch (Exception problem) when (problem is NpgsqlException or TimeoutException)
                {
                    // Counting goes on meanwhile, and what was counted is kept until the database is back.
                    logger.LogWarning("The database is out of reach ({Reason}); counting goes on.", problem.Message);
                }

                await Task.Delay(Round, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The way a stop is told.
        }
        finally
        {
            await StopAllAsync();
        }
    }

    private async Task RoundAsync(CancellationToken cancellation)
    {
        var wanted = (await migrations.ListAsync(cancellation)).ToDictionary(host => host.Server);
        var renewed = await leases.RenewAsync([.. _running.Values.Select(running => running.Lease)], cancellation);
        foreach (var (server, running) in _running.ToList())
        {
            var held = renewed.Contains(running.Lease);
            var same = wanted.TryGetValue(server, out var host) && host.Ends.Equals(running.Host.Ends);
            if (held && same && running.IsRunning)
                continue;
            _running.Remove(server);
            await running.DisposeAsync();
            if (!held)
                logger.LogInformation("Another node counts connections on server {Server} now.", server);
            else if (host is not null)
                Start(host, running.Lease);
            else
                await leases.ReleaseAsync([running.Lease], cancellation);
        }

        foreach (var lease in await leases.TakeAsync([.. wanted.Keys.Except(_running.Keys)], cancellation))
            Start(wanted[lease.Server], lease);
    }

    private void Start(SampledHost host, SamplerLease lease) => _running[host.Server] = new HostSampling(host, lease, hosts, store, time, logger);

    private async Task StopAllAsync()
    {
        var held = _running.Values.Select(running => running.Lease).ToList();
        await Task.WhenAll(_running.Values.Select(running => running.DisposeAsync().AsTask()));
        _running.Clear();
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3));
            await leases.ReleaseAsync(held, limit.Token);
        }
        catch (Exception problem) when (problem is NpgsqlException or OperationCanceledException)
        {
            logger.LogInformation("The leases were not given back ({Reason}); they run out by themselves.", problem.Message);
        }
    }
}
