using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MigrationDashboard.Load;

/// <summary>A connection that stays open for the whole run and asks WHOAMI again and again.</summary>
internal static class LongSession
{
    /// <summary>Returns when the session was broken, or when told to stop, after QUIT.</summary>
    /// <param name="target">A target of kind tcp or smtp.</param>
    /// <param name="source">The address to connect from; null leaves it to the kernel.</param>
    /// <param name="options">Timeouts and the interval between two questions.</param>
    /// <param name="tally">Where every step is counted.</param>
    /// <param name="stop">Asks for an orderly end.</param>
    /// <param name="abort">Ends everything at once.</param>
    public static async Task RunAsync(
        Target target, IPAddress? source, LoadOptions options, Tally tally, CancellationToken stop, CancellationToken abort)
    {
        LineConnection connection;
        try
        {
            connection = new LineConnection(target, source, abort);
        }
        catch (SocketException error)
        {
            tally.SessionEnded(target, source, opened: false, (FailureReason.LocalError, error.Message));
            return;
        }

        using (connection)
        {
            var opened = false;
            try
            {
                await connection.ConnectAsync(options.ConnectTimeout);
                connection.SetDeadline(options.Timeout);
                await connection.GreetingAsync();
                opened = true;
                tally.SessionOpened();
                await AskUntilStoppedAsync(connection, target, source ?? connection.LocalAddress, options, tally, stop);
                tally.SessionEnded(target, source, opened, null);
            }
            catch (Exception exception) when (LineConnection.IsFailure(exception))
            {
                tally.SessionEnded(target, source, opened, connection.Explain(exception));
            }
        }
    }

    private static async Task AskUntilStoppedAsync(
        LineConnection connection, Target target, IPAddress expected, LoadOptions options, Tally tally, CancellationToken stop)
    {
        var began = Stopwatch.GetTimestamp();
        for (var question = 1; !stop.IsCancellationRequested; question++)
        {
            connection.SetDeadline(options.Timeout);
            tally.SessionChecked(target, expected, await Whoami.AskAsync(connection));
            // Counted from the first question, so that slow answers do not stretch the interval.
            var wait = question * options.SessionInterval - Stopwatch.GetElapsedTime(began);
            if (wait > TimeSpan.Zero)
                await connection.StayQuietAsync(wait, stop);
        }

        connection.SetDeadline(options.Timeout);
        await connection.QuitAsync();
    }
}
