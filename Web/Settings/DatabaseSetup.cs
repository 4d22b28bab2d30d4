using Npgsql;

namespace MigrationDashboard.Web.Settings;

/// <summary>The PostgreSQL behind everything.</summary>
public static class DatabaseSetup
{
    public static void AddDatabase(this WebApplicationBuilder builder)
    {
        var settings = builder.AddSettings<DatabaseSettings>("Database");
        if (settings.ConnectionString.Length == 0) throw new SettingsException(["Database:ConnectionString: give one; the embedded PostgreSQL is not there yet."]);
        builder.Services.AddSingleton(_ => NpgsqlDataSource.Create(settings.ConnectionString));
        builder.Services.AddHostedService<SchemaAtStart>();
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
