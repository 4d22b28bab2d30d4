using System.Collections.Concurrent;
using System.Diagnostics;

namespace MigrationDashboard.Infrastructure.Processes;

/// <summary>Starts a long-lived child that the kernel ends when this process dies, even by SIGKILL.</summary>
/// <remarks>
/// Uses <c>setpriv --pdeathsig</c> of util-linux. The kernel sends the signal when the <em>thread</em> that started the child ends
/// (prctl(2), PR_SET_PDEATHSIG), and threads of the .NET pool come and go: all such children are started by one thread that never ends.
/// The kernel clears the setting for set-user-ID and set-group-ID programs (ssh-agent is one on Debian): those need another way.
/// Each is started in a session of its own (setsid): Ctrl-C in the dashboard's terminal reaches the dashboard alone, which ends its children in order.
/// </remarks>
public static class TiedProcess
{
    private static readonly Lazy<BlockingCollection<Action>> Starter = new(StartThread);

    /// <param name="signal">Name of the signal without SIG, such as <c>TERM</c>.</param>
    /// <param name="setprivOptions">More options of setpriv, such as <c>--reuid=postgres</c>.</param>
    /// <param name="configure">Redirections, environment and working directory; the program and arguments are set already.</param>
    public static Process Start(
        string signal, IEnumerable<string> setprivOptions, string program, IEnumerable<string> arguments, Action<ProcessStartInfo> configure)
    {
        var info = new ProcessStartInfo("setpriv", [$"--pdeathsig={signal}", .. setprivOptions, "--", "setsid", program, .. arguments]) { UseShellExecute = false };
        configure(info);
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Starter.Value.Add(() =>
        {
            try
            {
                started.SetResult(Process.Start(info)!);
            }
            catch (Exception problem)
            {
                started.SetException(problem);
            }
        });
        return started.Task.GetAwaiter().GetResult();
    }

    private static BlockingCollection<Action> StartThread()
    {
        var starts = new BlockingCollection<Action>();
        new Thread(() =>
        {
            foreach (var start in starts.GetConsumingEnumerable())
                start();
        })
        { IsBackground = true, Name = "starts tied processes" }.Start();
        return starts;
    }
}
