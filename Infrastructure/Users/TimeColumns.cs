using System.Data;
using Dapper;

namespace MigrationDashboard.Infrastructure.Users;

/// <summary>Reads <c>timestamptz</c> as <see cref="DateTimeOffset"/>; Npgsql hands out a UTC <see cref="DateTime"/> by default.</summary>
internal sealed class TimeColumns : SqlMapper.TypeHandler<DateTimeOffset>
{
    public static void Map() => SqlMapper.AddTypeHandler(new TimeColumns());

    public override DateTimeOffset Parse(object value) =>
        value is DateTimeOffset time ? time : new DateTimeOffset(DateTime.SpecifyKind((DateTime)value, DateTimeKind.Utc));

    public override void SetValue(IDbDataParameter parameter, DateTimeOffset value) => parameter.Value = value.UtcDateTime;
}
