using MigrationDashboard.Infrastructure.Postgres;
using Npgsql;

namespace MigrationDashboard.Web.Settings;

/// <summary>The PostgreSQL behind everything.</summary>
public static class DatabaseSetup
{
    /// <summary>Starts or reaches the database and brings its schema up to date. To be disposed after the host has stopped.</summary>
    /// <exception cref="EmbeddedPostgresException">The private cluster does not start.</exception>
    /// <exception cref="SchemaException">The database belongs to another version.</exception>
    public static async Task<Database> OpenDatabaseAsync(this WebApplicationBuilder builder, DataFolder data)
    {
        var settings = builder.AddSettings<DatabaseSettings>("Database");
        var options = new DatabaseOptions { ConnectionString = settings.ConnectionString is { Length: > 0 } given ? given : null, DataFolder = data.Path };
        using var loggers = LoggerFactory.Create(l => l.AddConfiguration(builder.Configuration.GetSection("Logging")).AddConsole());
        var database = await Database.OpenAsync(options, loggers, CancellationToken.None);
        builder.Services.AddPostgres(database);
        return database;
    }

    /// <summary>/health: 200 while the database answers, else 503.</summary>
    public static void MapHealth(this WebApplication app) => app.MapGet("/health", async (NpgsqlDataSource database, CancellationToken cancel) =>
    {
        try
        {
            await using var command = database.CreateCommand("select 1");
            // Seconds; whoever watches asks again soon.
            command.CommandTimeout = 3;
            await command.ExecuteScalarAsync(cancel);
            return Results.Json(new { status = "ok", database = "ok" });
        }
        catch (Exception e) when (DatabaseRetry.IsAway(e))
        {
            // The message may name hosts and users: it goes to the log, not to whoever asks.
            app.Logger.LogWarning(e, "The database does not answer.");
            return Results.Json(new { status = "failing", database = "no answer" }, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }).AllowAnonymous().ExcludeFromDescription();
}
