using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace MigrationDashboard.Core.Tests.HostScripts;

/// <summary>What a command left behind.</summary>
public sealed record Outcome(int Exit, string Out, string Error)
{
    public Outcome MustSucceed(string what) =>
        Exit == 0 ? this : throw new InvalidOperationException($"{what}: exit {Exit}\n{Out}\n{Error}");
}

/// <summary>
/// A host with a network stack, process table and file systems of its own, made of Linux namespaces: what a script does in it cannot reach
/// the computer. It ends with this process, whatever happens, because its first process waits on our pipe.
/// </summary>
public sealed class KernelHost : IDisposable
{
    // The first process of the namespaces: bash, because it reaps what is left to it.
    private const string Init = """
        read -r pid _ </proc/self/stat
        set -e
        mount -t proc proc /proc
        mount -t sysfs sysfs /sys
        for folder in /run /var/lib; do mount -t tmpfs tmpfs $folder; done
        if [ -d /etc/systemd ]; then mount -t tmpfs tmpfs /etc/systemd; fi
        # Addresses are used at once: nobody else has them here.
        for name in all default; do echo 0 >/proc/sys/net/ipv6/conf/$name/accept_dad; done
        ip link set lo up
        echo "$pid"
        read -r _ || true
        """;

    private readonly Process holder;

    private readonly string pid;

    public string Name { get; }

    public KernelHost(string name)
    {
        if (Environment.UserName != "root")
            throw new InvalidOperationException("These tests make network namespaces: run them as root.");
        Name = name;
        holder = Start("unshare", ["--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private", "bash", "-c", Init]);
        pid = holder.StandardOutput.ReadLine() ?? throw new InvalidOperationException("no namespace: " + holder.StandardError.ReadToEnd());
    }

    /// <summary>Runs a POSIX sh script given on standard input, as the product does over SSH.</summary>
    public Outcome Run(string script) => Run(["--target", pid, "--mount", "--net", "--pid", "--wd=/"], script);

    /// <summary>Runs a script in this host's network but with the computer's processes in sight, so that cables to other hosts can be laid.</summary>
    public void Wire(string script) => Run(["--target", pid, "--net"], "set -eu\n" + script).MustSucceed($"{Name}: {script}");

    private static Outcome Run(string[] where, string script)
    {
        using var process = Start("nsenter", [.. where, "sh", "-s"]);
        var error = process.StandardError.ReadToEndAsync();
        var text = process.StandardOutput.ReadToEndAsync();
        process.StandardInput.Write(script);
        process.StandardInput.Close();
        process.WaitForExit();
        return new(process.ExitCode, text.Result, error.Result);
    }

    /// <summary>Runs a script that has to succeed, and gives what it printed.</summary>
    public string Sh(string script) => Run("set -eu\n" + script).MustSucceed($"{Name}: {script}").Out;

    /// <summary>A socket of this host; it stays in the namespace it was made in, whichever thread uses it.</summary>
    public Socket Socket(AddressFamily family, SocketType type)
    {
        Socket? made = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var space = File.OpenHandle($"/proc/{pid}/ns/net");
                if (SetNamespace((int)space.DangerousGetHandle(), 0) != 0)
                    throw new InvalidOperationException($"setns: {Marshal.GetLastPInvokeErrorMessage()}");
                made = new Socket(family, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp);
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return made ?? throw new InvalidOperationException($"{Name}: no socket", failure);
    }

    public void Dispose()
    {
        holder.StandardInput.Close();
        if (!holder.WaitForExit(2000))
            holder.Kill();
        holder.Dispose();
    }

    internal string Pid => pid;

    private static Process Start(string command, string[] arguments) => Process.Start(new ProcessStartInfo(command, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        StandardInputEncoding = new UTF8Encoding(false),
    })!;

    [DllImport("libc", EntryPoint = "setns", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int SetNamespace(int descriptor, int kind);
}
