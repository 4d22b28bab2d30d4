using System.Diagnostics;
using Xunit;

namespace MigrationDashboard.Core.Tests.HostScripts;

/// <summary>Waits, with a deadline, for what happens by itself.</summary>
public static class Eventually
{
    public static void Equal<T>(T expected, Func<T> actual, double seconds)
    {
        var limit = Stopwatch.StartNew();
        while (limit.Elapsed.TotalSeconds < seconds)
        {
            if (Equals(expected, actual()))
                return;
            Thread.Sleep(50);
        }

        Assert.Equal(expected, actual());
    }
}
