using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using MigrationDashboard.Core.Users;
using MigrationDashboard.Infrastructure.Users;
using MigrationDashboard.Web.Settings;

namespace MigrationDashboard.Web.Security;

/// <summary>While no user exists: makes the administrator that the settings name, or prints a one-time link to make one.</summary>
public sealed class FirstStart(
    UserStore users, UserAdministration administration, ApiTokenStore tokens, SetupLinks links, SetupSettings settings,
    IServer server, IConfiguration configuration, TimeProvider time, ILogger<FirstStart> log) : IHostedLifecycleService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!settings.IsGiven || await users.AnyAsync(cancellationToken)) return;
        var errors = await administration.AddFirstAsync(settings.AdministratorName, settings.AdministratorPassword, null, "start", cancellationToken);
        // Only another node can have been first; the settings were checked when read.
        if (errors.Count > 0) return;
        log.LogInformation("Made the administrator {Name} from the settings.", settings.AdministratorName);
        if (settings.ApiToken.Length == 0) return;
        var user = await users.FindByNameAsync(settings.AdministratorName, cancellationToken) ?? throw new InvalidOperationException("The new administrator is gone.");
        var now = time.GetUtcNow();
        await tokens.AddAsync(new ApiToken { Id = Guid.CreateVersion7(), UserId = user.Id, Name = "From the settings", Role = user.Role, CreatedAt = now, ExpiresAt = now.AddYears(1) },
            settings.ApiToken, cancellationToken);
    }

    /// <summary>After the server listens, since the link needs its address.</summary>
    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        var address = PublicUrl();
        if (await users.AnyAsync(cancellationToken))
        {
            Console.WriteLine($"MigrationDashboard is at {address}/");
            return;
        }
        var token = await links.NewAsync(cancellationToken);
        Console.WriteLine($"""

            First start: open this link within {SetupLinks.Life.TotalHours:0} hours to make the administrator. It works once; a restart prints a new one.

              {address}/setup?token={token}

            """);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private string PublicUrl()
    {
        if (configuration["PublicUrl"] is { Length: > 0 } given) return given.TrimEnd('/');
        var listening = server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() ?? "http://localhost";
        // "Any address" is nothing to click on.
        return listening.Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", "localhost", StringComparison.Ordinal)
            .Replace("//*", "//localhost", StringComparison.Ordinal).Replace("//+", "//localhost", StringComparison.Ordinal).TrimEnd('/');
    }
}
