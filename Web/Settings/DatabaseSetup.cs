using MigrationDashboard.Infrastructure.Postgres;
using Npgsql;

namespace MigrationDashboard.Web.Settings;

/// <summary>The PostgreSQL behind everything.</summary>
public static class DatabaseSetup
{
    /// <summary>Opens the database before anything else is made: the settings' one, or the dashboard's own in the data folder.</summary>
    /// <returns>To be disposed after the host has stopped.</returns>
    public static async Task<Database> AddDatabaseAsync(this WebApplicationBuilder builder, DataFolder data)
    {
        var settings = builder.AddSettings<DatabaseSettings>("Database");
        using var loggers = LoggerFactory.Create(logging => logging.AddConfiguration(builder.Configuration.GetSection("Logging")).AddConsole());
        try
        {
            var database = await Database.OpenAsync(
                new() { ConnectionString = settings.ConnectionString.Length > 0 ? settings.ConnectionString : null, DataFolder = data.Path }, loggers, CancellationToken.None);
            builder.Services.AddSingleton(database.Source);
            return database;
        }
        catch (Exception error) when (error is EmbeddedPostgresException or SchemaException or NpgsqlException)
        {
            throw new SettingsException([$"Database: {error.Message}"]);
        }
    }

    /// <summary>/health: 200 while the database answers, else 503.</summary>
    public static void MapHealth(this WebApplication app) => app.MapGet("/health", async (NpgsqlDataSource database, CancellationToken cancel) =>
    {
        try
        {
            await using var command = database.CreateCommand("select 1");
            command.CommandTimeout = 3;
            await command.ExecuteScalarAsync(cancel);
            return Results.Json(new { status = "ok", database = "ok" });
        }
        catch (NpgsqlException e)
        {
            // The message may name hosts and users: it goes to the log, not to whoever asks.
            app.Logger.LogWarning(e, "The database does not answer.");
            return Results.Json(new { status = "failing", database = "no answer" }, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }).AllowAnonymous().ExcludeFromDescription();
}
