using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Connections;

/// <summary>Reads what a host's sampler printed. The host may be anybody's: whatever it prints becomes a line or an error, and never an exception.</summary>
public static class SampleLineReader
{
    /// <summary>Far above what the script prints with every migration a server can have; in characters.</summary>
    public const int LongestLine = 1_000_000;

    /// <summary>Above any table of connections: 2^31, which the kernel's own counters hold.</summary>
    private const long Most = int.MaxValue;

    private const int MostItems = 10_000;

    /// <param name="ends">What the host was asked to count: a key or port that is none of these is an error.</param>
    public static LineReading Read(string text, IReadOnlyCollection<SampledEnd> ends)
    {
        if (text.Length > LongestLine)
            return new(null, "the line is too long");
        try
        {
            using var document = JsonDocument.Parse(text);
            return new(Line(document.RootElement, ends), null);
        }
        catch (JsonException)
        {
            return new(null, "the line is not JSON");
        }
        catch (FormatException problem)
        {
            return new(null, problem.Message);
        }
        catch (Exception problem) when (problem is InvalidOperationException or KeyNotFoundException or IndexOutOfRangeException)
        {
            return new(null, "the line has another shape than the sampler's");
        }
    }

    private static SampleLine Line(JsonElement line, IReadOnlyCollection<SampledEnd> ends)
    {
        if (Number(line.GetProperty("v"), 1000) != 1)
            throw new FormatException("the line is of another version");
        var conntrack = line.GetProperty("conntrack");
        var migrations = Items(line.GetProperty("migrations")).Select(item => Migration(item, ends)).ToValueList();
        if (migrations.Select(migration => migration.Key).Distinct().Count() != migrations.Count)
            throw new FormatException("a migration is there twice");
        return new(
            // Year 2100: a host whose clock is beyond that is a hostile one.
            DateTimeOffset.FromUnixTimeSeconds(Number(line.GetProperty("clock"), 4_102_444_800)),
            Milliseconds(line, "cost_ms"),
            Milliseconds(line, "pass_ms"),
            Milliseconds(line, "next_ms"),
            Number(conntrack[0], Most),
            Number(conntrack[1], Most),
            line.GetProperty("full").GetBoolean(),
            line.TryGetProperty("reader", out var reader) ? Word(reader, "proc", "conntrack", "ss", "none") : null,
            line.TryGetProperty("error", out var error) ? Shown(error) : null,
            migrations);
    }

    private static MigrationLine Migration(JsonElement item, IReadOnlyCollection<SampledEnd> ends)
    {
        var key = item.GetProperty("key").GetString();
        var end = ends.FirstOrDefault(end => end.Allocation.Key == key) ?? throw new FormatException("a migration was counted that was not asked for");
        var counters = Items(item.GetProperty("new")).Select(counter => Counter(counter, end)).ToValueList();
        if (counters.DistinctBy(counter => counter.Family).Count() != counters.Count)
            throw new FormatException("a counter is there twice");
        var counts = Items(item, "counts").Select(count => Count(count, end)).ToValueList();
        if (counts.DistinctBy(count => (count.Path, count.Family, count.Port)).Count() != counts.Count)
            throw new FormatException("a count is there twice");
        var clients = Items(item, "clients").Select(client => Client(client, end)).ToValueList();
        if (clients.DistinctBy(client => (client.Path, client.Client, client.Port)).Count() != clients.Count)
            throw new FormatException("a client is there twice");
        var distinct = item.TryGetProperty("distinct", out var paths)
            ? paths.EnumerateObject().Take(5).Select(path => new PathClients(Path(path.Name, end.Role), Number(path.Value[0], Most), Number(path.Value[1], Most))).DistinctBy(path => path.Path).ToValueList()
            : [];
        return new(end.Allocation.Key, counters, counts, distinct, item.TryGetProperty("capped", out var capped) && capped.GetBoolean(), clients);
    }

    private static CounterReading Counter(JsonElement item, SampledEnd end)
    {
        var epoch = item[1].GetString() ?? "";
        if (epoch.Length is 0 or > 40 || !epoch.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-'))
            throw new FormatException("a counter's epoch is not one");
        return new(Family(item[0]), epoch, Path(item[2].GetString(), end.Role), Number(item[3], long.MaxValue), Number(item[4], long.MaxValue), Number(item[5], long.MaxValue));
    }

    private static PathCount Count(JsonElement item, SampledEnd end) =>
        new(Path(item[0].GetString(), end.Role), Family(item[1]), Port(item[2], item[3], end), Number(item[4], Most), Number(item[5], Most));

    private static ClientCount Client(JsonElement item, SampledEnd end)
    {
        var text = item[1].GetString() ?? "";
        // IPAddress also takes “1” and scopes, which no table of connections prints.
        if (text.Length > 45 || text.Any(c => !char.IsAsciiHexDigit(c) && c is not ('.' or ':')) || !(text.Contains(':', StringComparison.Ordinal) || text.Count(c => c == '.') == 3)
            || !IPAddress.TryParse(text, out var address))
            throw new FormatException("a client's address is not one");
        return new(Path(item[0].GetString(), end.Role), address, Port(item[2], item[3], end), Number(item[4], Most), Number(item[5], Most));
    }

    private static ForwardedPort Port(JsonElement transport, JsonElement number, SampledEnd end)
    {
        var port = new ForwardedPort((ushort)Number(number, ushort.MaxValue), Word(transport, "tcp", "udp") == "tcp" ? Transport.Tcp : Transport.Udp);
        return end.Ports.Contains(port) ? port : throw new FormatException("a port was counted that was not asked for");
    }

    private static ConnectionPath Path(string? text, Role role)
    {
        ConnectionPath? path = text switch
        {
            "direct" => ConnectionPath.Direct,
            "forwarded" => ConnectionPath.Forwarded,
            "local" => ConnectionPath.Local,
            "tail" => ConnectionPath.Tail,
            _ => null,
        };
        return path is { } known && ClassifyPath.ReporterOf(known) == role ? known : throw new FormatException("a path is not one that this host counts");
    }

    private static AddressFamily Family(JsonElement item) => Number(item, 6) switch
    {
        4 => AddressFamily.InterNetwork,
        6 => AddressFamily.InterNetworkV6,
        _ => throw new FormatException("a family is neither 4 nor 6"),
    };

    private static TimeSpan Milliseconds(JsonElement line, string name) => TimeSpan.FromMilliseconds(Number(line.GetProperty(name), Most));

    private static long Number(JsonElement item, long most) =>
        item.TryGetInt64(out var number) && number >= 0 && number <= most ? number : throw new FormatException("a number is out of its range");

    private static string Word(JsonElement item, params string[] words) =>
        item.GetString() is { } word && words.Contains(word) ? word : throw new FormatException("a word is not one of the sampler's");

    private static JsonElement.ArrayEnumerator Items(JsonElement parent, string name) => parent.TryGetProperty(name, out var list) ? Items(list) : default;

    private static JsonElement.ArrayEnumerator Items(JsonElement list) =>
        list.GetArrayLength() <= MostItems ? list.EnumerateArray() : throw new FormatException("a list is too long");

    private static string Shown(JsonElement item)
    {
        var text = new string([.. (item.GetString() ?? "").Where(c => !char.IsControl(c))]);
        return text.Length > 200 ? text[..200] : text;
    }
}
