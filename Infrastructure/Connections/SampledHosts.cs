using System.Runtime.CompilerServices;
using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Infrastructure.Ssh;

namespace MigrationDashboard.Infrastructure.Connections;

/// <summary>A server and the migrations that are to be counted on it, in one session.</summary>
public sealed record SampledHost(Guid Server, Core.ValueList<SampledEnd> Ends);

/// <summary>What is to be counted now.</summary>
public interface ISampledMigrations
{
    /// <returns>Each server once; servers without anything to count are left out. The same answer as before leaves all sessions as they are.</returns>
    Task<IReadOnlyList<SampledHost>> ListAsync(CancellationToken cancellation);
}

/// <summary>Runs a script as root on a server and gives its lines as they come. Over SSH; in tests, in a network namespace.</summary>
public interface IHostLines
{
    IAsyncEnumerable<string> RunAsync(Guid server, string script, CancellationToken cancellation);
}

/// <param name="targetOf">How a server is reached and which of its host keys are pinned.</param>
public sealed class SshHostLines(OpenSsh ssh, Func<Guid, CancellationToken, Task<SshTarget>> targetOf) : IHostLines
{
    public async IAsyncEnumerable<string> RunAsync(Guid server, string script, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var command = new SshCommand(script) { Name = "count connections", Limit = Timeout.InfiniteTimeSpan };
        await foreach (var line in ssh.StreamAsync(await targetOf(server, cancellation), command, cancellation))
            if (!line.IsError)
                yield return line.Text;
    }
}
