namespace MigrationDashboard.Infrastructure.Postgres;

/// <summary>The dashboard's own database cannot be started. The message is for the person who starts the dashboard: what is wrong and what to do.</summary>
public sealed class EmbeddedPostgresException(string message, Exception? inner = null) : Exception(message, inner);
