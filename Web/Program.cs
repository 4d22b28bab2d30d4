using MigrationDashboard.Web.Api;
using MigrationDashboard.Web.Components;
using MigrationDashboard.Web.Live;
using MigrationDashboard.Web.Metrics;
using MigrationDashboard.Web.Security;
using MigrationDashboard.Web.Settings;

try
{
    // The settings lie beside the program, wherever it is started from.
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
    var data = DataFolder.Open(builder.Configuration, builder.Environment);
    builder.Services.AddSingleton(data);
    await using var database = await builder.AddDatabaseAsync(data);
    builder.AddSecurity(data);
    builder.AddProxies();
    builder.AddPages();
    builder.AddMetrics();
    builder.AddMigrations(database);
    builder.Services.AddLive();
    builder.Services.AddApi();

    var app = builder.Build();
    app.UseForwardedHeaders();
    app.UseSecurityHeaders();
    app.UseHsts();
    app.UseErrorPages();
    app.UseAuthentication();
    app.UseAuthorization();
    app.UseFormProtection();
    app.MapHealth();
    app.MapMetrics();
    app.MapApi();
    app.MapPages();
    await app.RunAsync();
    return 0;
}
catch (SettingsException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    // What is wrong is for the operator to mend; EX_CONFIG of sysexits.h tells a supervisor that starting again is no use.
    return 78;
}

/// <summary>Public for the browser tests.</summary>
public partial class Program;
