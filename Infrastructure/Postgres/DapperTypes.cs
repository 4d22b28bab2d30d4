using System.Data;
using System.Net;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace MigrationDashboard.Infrastructure.Postgres;

/// <summary>How columns become values, in one place. Column names in snake case match properties in Pascal case.</summary>
public static class DapperTypes
{
    private static readonly Lazy<bool> Registered = new(RegisterOnce);

    /// <summary>May be called any number of times.</summary>
    public static void Register() => _ = Registered.Value;

    private static bool RegisterOnce()
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        // Dapper has an idea of its own about these two, which comes before any handler.
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset));
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset?));
        SqlMapper.AddTypeHandler(new TimeHandler());
        SqlMapper.AddTypeHandler(new AddressHandler());
        SqlMapper.AddTypeHandler(new NetworkHandler());
        return true;
    }

    /// <summary>timestamptz holds an instant in UTC, to the microsecond. Npgsql refuses any other offset, so it is converted.</summary>
    private sealed class TimeHandler : SqlMapper.TypeHandler<DateTimeOffset>
    {
        public override void SetValue(IDbDataParameter parameter, DateTimeOffset value)
        {
            ((NpgsqlParameter)parameter).NpgsqlDbType = NpgsqlDbType.TimestampTz;
            parameter.Value = value.UtcDateTime;
        }

        public override DateTimeOffset Parse(object value) => value is DateTimeOffset time ? time : new((DateTime)value);
    }

    private sealed class AddressHandler : SqlMapper.TypeHandler<IPAddress>
    {
        public override void SetValue(IDbDataParameter parameter, IPAddress? value)
        {
            ((NpgsqlParameter)parameter).NpgsqlDbType = NpgsqlDbType.Inet;
            parameter.Value = value is null ? DBNull.Value : value;
        }

        public override IPAddress Parse(object value) => value as IPAddress ?? IPAddress.Parse((string)value);
    }

    private sealed class NetworkHandler : SqlMapper.TypeHandler<IPNetwork>
    {
        public override void SetValue(IDbDataParameter parameter, IPNetwork value)
        {
            ((NpgsqlParameter)parameter).NpgsqlDbType = NpgsqlDbType.Cidr;
            parameter.Value = value;
        }

        public override IPNetwork Parse(object value) => value is IPNetwork network ? network : IPNetwork.Parse((string)value);
    }
}
