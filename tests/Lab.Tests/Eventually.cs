using System.Diagnostics;
using System.Net.Sockets;
using Xunit;

namespace MigrationDashboard.Lab.Tests;

internal static class Eventually
{
    /// <summary>Waits until it is so, at most 30 s; servers that do not answer yet are asked again.</summary>
    public static async Task TrueAsync(string what, Func<Task<bool>> isSo)
    {
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < TimeSpan.FromSeconds(30); await Task.Delay(200))
            try
            {
                if (await isSo())
                    return;
            }
            catch (Exception error) when (error is SocketException or IOException or OperationCanceledException)
            {
                // Not yet.
            }

        Assert.Fail($"It did not come true within 30 s that {what}.");
    }
}
