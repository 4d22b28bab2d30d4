using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MigrationDashboard.Web.Live;

/// <summary>
/// Names of clients by their addresses, as the computer's resolver tells them: asked once for all pages and kept. Whoever owns an address
/// writes its name, so it is a hint to a person and nothing is decided by it.
/// </summary>
public sealed class ReverseNames(TimeProvider time)
{
    /// <summary>Names of addresses change rarely; a wrong answer should not stay for a whole migration.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromHours(1);

    /// <summary>A resolver that has not answered by then is not waited for by a page that is drawn every five seconds.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>At once; each is a thread of the resolver's library.</summary>
    private static readonly SemaphoreSlim Asking = new(4);

    /// <summary>Addresses; past it the oldest are asked anew.</summary>
    private const int Most = 20_000;

    private readonly ConcurrentDictionary<IPAddress, (string? Name, DateTimeOffset At)> _known = new();

    /// <returns>Null while it is not known, and where there is none.</returns>
    public string? Of(IPAddress address) => _known.TryGetValue(address, out var known) ? known.Name : null;

    /// <summary>Asks for those not known yet.</summary>
    /// <returns>Whether one of them has a name.</returns>
    public async Task<bool> LearnAsync(IEnumerable<IPAddress> addresses, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        if (_known.Count > Most)
            _known.Clear();
        var names = await Task.WhenAll(addresses.Distinct().Where(address => !_known.TryGetValue(address, out var known) || now - known.At > Kept).Select(async address =>
        {
            await Asking.WaitAsync(cancellation);
            try
            {
                var name = await NameAsync(address, cancellation);
                _known[address] = (name, now);
                return name;
            }
            finally
            {
                Asking.Release();
            }
        }));
        return names.Any(name => name is not null);
    }

    private static async Task<string?> NameAsync(IPAddress address, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            var name = (await Dns.GetHostEntryAsync(address.ToString(), limit.Token)).HostName;
            return IPAddress.TryParse(name, out _) ? null : name.TrimEnd('.');
        }
        catch (Exception none) when (none is SocketException || (none is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }
}
