using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace MigrationDashboard.Core.Servers;

/// <summary>A name of a network interface that Linux would take and that is safe in nft, iptables and sysctl paths.</summary>
/// <remarks>The kernel's limit is IFNAMSIZ - 1 = 15 bytes (linux/if.h); it also allows characters that no tool survives, which are refused here.</remarks>
[JsonConverter(typeof(NameJson<InterfaceName>))]
public sealed record InterfaceName : IName<InterfaceName>
{
    private InterfaceName(string value) => Value = value;

    public string Value { get; }

    public static string? Refuse(string? text) =>
        string.IsNullOrEmpty(text) ? "name an interface, such as eth1"
        : text.Length > 15 ? "an interface name has at most 15 characters"
        : !Patterns.Interface().IsMatch(text) ? "an interface name has only letters, digits and . _ - @ and starts with a letter or digit"
        : text is "all" or "default" or "lo" ? $"{text} cannot be used as a link or public interface"
        : null;

    public static InterfaceName Of(string text) => new(text);

    public override string ToString() => Value;
}

/// <summary>The name or id of a Docker container or of a volume, network or Compose project, as Docker itself restricts it.</summary>
[JsonConverter(typeof(NameJson<DockerName>))]
public sealed record DockerName : IName<DockerName>
{
    private DockerName(string value) => Value = value;

    public string Value { get; }

    public static string? Refuse(string? text) =>
        string.IsNullOrEmpty(text) ? "name a container"
        : text.Length > 128 ? "a container name has at most 128 characters"
        : !Patterns.Docker().IsMatch(text) ? "a container name has only letters, digits and . _ - and starts with a letter or digit"
        : null;

    public static DockerName Of(string text) => new(text);

    public override string ToString() => Value;
}

/// <summary>The name of a systemd unit such as <c>nginx.service</c>.</summary>
[JsonConverter(typeof(NameJson<UnitName>))]
public sealed record UnitName : IName<UnitName>
{
    private UnitName(string value) => Value = value;

    public string Value { get; }

    public static string? Refuse(string? text) =>
        string.IsNullOrEmpty(text) ? "name a unit, such as nginx.service"
        : text.Length > 255 ? "a unit name has at most 255 characters"
        : !Patterns.Unit().IsMatch(text) ? "a unit name has only letters, digits and : _ . @ - and starts with a letter or digit"
        : null;

    public static UnitName Of(string text) => new(text.Contains('.', StringComparison.Ordinal) ? text : text + ".service");

    public override string ToString() => Value;
}

/// <summary>A name whose text is checked once, when it is made.</summary>
public interface IName<TSelf>
    where TSelf : IName<TSelf>
{
    string Value { get; }

    /// <summary>The reason why <paramref name="text"/> is not such a name, or null when it is.</summary>
    static abstract string? Refuse(string? text);

    /// <summary>Wraps a text that <see cref="Refuse"/> accepts; use <see cref="Name.Parse"/>.</summary>
    static abstract TSelf Of(string text);
}

public static class Name
{
    /// <exception cref="InvalidInputException">The text is no such name.</exception>
    public static T Parse<T>(string? text, string field)
        where T : IName<T> =>
        T.Refuse(text) is { } reason ? throw new InvalidInputException(field, reason) : T.Of(text!);
}

public sealed class NameJson<T> : JsonConverter<T>
    where T : class, IName<T>
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Name.Parse<T>(reader.GetString(), typeof(T).Name);

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}

internal static partial class Patterns
{
    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._@-]*\z")]
    public static partial Regex Interface();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_.-]*\z")]
    public static partial Regex Docker();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9:_.@-]*\z")]
    public static partial Regex Unit();
}
