using System.Collections.Concurrent;
using MigrationDashboard.Infrastructure.Connections;

namespace MigrationDashboard.Web.Live;

/// <summary>Lists of clients, read once for all pages that show the same.</summary>
public sealed class StragglerPages(StragglerStore store, TimeProvider time)
{
    /// <summary>Hosts name clients every few seconds at best.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(4);

    private readonly ConcurrentDictionary<(Guid Migration, StragglerQuery Query, int Skip, int Take), (DateTimeOffset At, Task<(IReadOnlyList<Straggler> Rows, long Total)> Page)> _read = new();

    /// <returns>The same list, as an object, until it is read anew.</returns>
    public Task<(IReadOnlyList<Straggler> Rows, long Total)> ListAsync(Guid migration, StragglerQuery query, int skip, int take)
    {
        var now = time.GetUtcNow();
        foreach (var (key, value) in _read)
            if (now - value.At > Fresh * 5)
                _read.TryRemove(key, out _);
        return _read.AddOrUpdate((migration, query, skip, take), key => (now, ReadAsync(key)), (key, known) => now - known.At >= Fresh || known.Page.IsFaulted ? (now, ReadAsync(key)) : known).Page;
    }

    private Task<(IReadOnlyList<Straggler> Rows, long Total)> ReadAsync((Guid Migration, StragglerQuery Query, int Skip, int Take) wanted) =>
        store.ListAsync(wanted.Migration, wanted.Query, wanted.Skip, wanted.Take, CancellationToken.None);
}
