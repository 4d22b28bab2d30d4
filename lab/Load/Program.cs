using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using MigrationDashboard.Load;

// Wrong arguments, as most command line tools have it.
const int wrongArguments = 2;

// Dialogs go on in the thread that heard from the kernel, instead of waking a pool thread for each reply: nothing here blocks, and it
// saves a third of the processor time. .NET reads this from the environment only, before the first asynchronous socket call.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");

if (args.Contains("--help"))
{
    Console.Out.WriteLine(Usage.Text);
    return 0;
}

// Not a load: the long way that far clients' packets take; `script/lab far` starts it.
if (args is ["delay-line", var near, var far, var milliseconds])
    return DelayLine.Run(near, far, milliseconds);

var (options, errors) = CommandLine.Parse(args, Resolve, $"{DateTime.UtcNow:yyyyMMdd-HHmmss}-{Environment.ProcessId}");
if (options is not null)
    errors = [.. SourceSocket.Missing(options.Sources).Select(address => $"--from: {address} is not an address of this machine (network namespace)")];
if (options is null || errors.Count > 0)
{
    // A wrong range can be wrong 65,536 times.
    foreach (var error in errors.Take(10))
        Console.Error.WriteLine(error);
    Console.Error.WriteLine("See --help.");
    return wrongArguments;
}

try
{
    WarmUp.Run();
    using var run = new LoadRun(options, Console.Error);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, StopOnSignal);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, StopOnSignal);
    Console.Out.WriteLine(JsonSerializer.Serialize(run.Execute(), SummaryJson.Default.Summary));
    return 0;

    void StopOnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        run.Stop("signal");
    }
}
catch (Exception error) when (error is IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"--mail-log: {error.Message}");
    return wrongArguments;
}
catch (LoadFaultException fault)
{
    Console.Error.WriteLine(fault);
    return 1;
}

static IPAddress? Resolve(string host)
{
    try
    {
        return Dns.GetHostAddresses(host).FirstOrDefault();
    }
    catch (SocketException)
    {
        return null;
    }
}
