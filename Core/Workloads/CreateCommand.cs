using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using MigrationDashboard.Core.HostScripts;

namespace MigrationDashboard.Core.Workloads;

/// <summary>A container as the arguments of <c>docker create</c> (docker container create reference).</summary>
/// <param name="Arguments">After <c>docker create</c>, one word each; the environment that goes by file and the seccomp profile are not among them.</param>
/// <param name="EnvironmentFile">Lines of <c>NAME=value</c>, given by file so that passwords are not in the process list.</param>
/// <param name="Exported">What a file cannot hold, line breaks above all: handed over in the command's own environment, which only root may read.</param>
/// <param name="Seccomp">A seccomp profile, JSON, given by file; null for none.</param>
/// <param name="Further">Networks to connect after creation: Docker before 25 takes one at creation.</param>
public sealed partial record CreateCommand(
    ValueList<string> Arguments, ValueList<string> EnvironmentFile, ValueList<string> Exported, string? Seccomp, ValueList<NetworkAttachment> Further, ValueList<string> Process, string Folder)
{
    /// <summary>Docker reads the file line by line, at most 64 KiB each (bufio.Scanner), which leaves some room.</summary>
    private const int LongestLine = 60_000;

    /// <param name="folder">Shell text of the folder on the host that the files are put in for the moment.</param>
    public static CreateCommand Of(ContainerDefinition container, string folder)
    {
        // The first network is given at creation, so that the container is never in another one.
        var networks = container.HasOwnNetworks
            ? container.Networks.OrderBy(network => network.Network == container.NetworkMode ? 0 : 1).ToValueList()
            : [];
        List<string> arguments = [$"--name={container.Name}", "--restart=no"];
        if (networks.Count > 0)
            arguments.AddRange([$"--network={networks[0].Network}", .. Attachment(networks[0]).Select(word => word.Replace("--alias=", "--network-alias=", StringComparison.Ordinal))]);
        else if (container.NetworkMode is not ("default" or "bridge"))
            arguments.Add($"--network={container.NetworkMode}");
        arguments.AddRange(container.Published.Select(Publish));
        foreach (var mount in container.Mounts)
            arguments.AddRange(Mount(mount));
        arguments.AddRange(container.Options);
        // Only the name: the value would be in the process list.
        arguments.AddRange(container.Environment.Where(line => !FitsFile(line)).Select(line => $"--env={line.Split('=')[0]}"));
        List<string> process = [];
        if (container.Entrypoint is { } entrypoint)
        {
            // The option takes one word; the others come before the command, which makes the same process.
            arguments.Add($"--entrypoint={(entrypoint.Count > 0 ? entrypoint[0] : "")}");
            process.AddRange(entrypoint.Skip(1));
        }

        process.AddRange(container.Command ?? []);
        return new(arguments.ToValueList(), container.Environment.Where(FitsFile).ToValueList(),
            container.Environment.Where(line => !FitsFile(line) && MayBeExported(line)).ToValueList(), container.Seccomp, networks.Skip(1).ToValueList(), [container.Image, .. process], folder);
    }

    public static ValueList<string> Attachment(NetworkAttachment network)
    {
        var words = network.Aliases.Select(alias => $"--alias={alias}").ToList();
        if (network.Ipv4 is not null)
            words.Add($"--ip={network.Ipv4}");
        if (network.Ipv6 is not null)
            words.Add($"--ip6={network.Ipv6}");
        return words.ToValueList();
    }

    /// <summary>The shell function <c>create_N</c>.</summary>
    public string Render(int index)
    {
        var text = new StringBuilder();
        var before = "";
        var files = "";
        if (EnvironmentFile.Count > 0)
        {
            text.Append(Shell.Function($"environment_{index}", string.Concat(EnvironmentFile.Select(line => line + "\n"))));
            before += $"  environment_{index} >\"{Folder}/environment\" || return\n";
            files += $" --env-file=\"{Folder}/environment\"";
        }

        if (Seccomp is not null)
        {
            text.Append(Shell.Function($"seccomp_{index}", Seccomp));
            before += $"  seccomp_{index} >\"{Folder}/seccomp\" || return\n";
            files += $" --security-opt=seccomp=\"{Folder}/seccomp\"";
        }

        text.Append(CultureInfo.InvariantCulture, $$"""
            create_{{index}}() {
            {{before}}  (
            {{string.Concat(Exported.Select(line => $"export {line.Split('=')[0]}={Shell.Quote(line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..])}\n"))}}    timeout 60 docker create{{files}} {{Shell.Words(Arguments)}} {{Shell.Words(Process)}}
              )
              code=$?
              rm -f "{{Folder}}/environment" "{{Folder}}/seccomp"
              return $code
            }

            """);
        return text.ToString();
    }

    /// <summary>The file's lines cannot hold line breaks, and one that begins with # is a comment.</summary>
    private static bool FitsFile(string line) =>
        line.Length is > 0 and < LongestLine && line[0] != '#' && !char.IsWhiteSpace(line[0]) && line.Contains('=', StringComparison.Ordinal) && !line.Any(c => c is '\n' or '\r');

    /// <summary>A name that the shell takes and that means nothing to the shell, the loader or Docker's own command.</summary>
    private static bool MayBeExported(string line) =>
        line.IndexOf('=', StringComparison.Ordinal) is > 0 and var at && Identifier().IsMatch(line[..at]) && !Meaningful().IsMatch(line[..at]) && Encoding.UTF8.GetByteCount(line) < LongestString;

    /// <summary>Why an entry of the environment cannot be handed over without everybody seeing it; null when it can.</summary>
    public static string? Refuse(string line) => FitsFile(line) || MayBeExported(line) || !line.Contains('=', StringComparison.Ordinal)
        ? null
        : $"the value of {line.Split('=')[0]} has line breaks or is very long, and by that name it could only be handed over where every user of the host could read it";

    /// <summary>The kernel's limit for one string of an environment (MAX_ARG_STRLEN, 32 pages of 4 KiB).</summary>
    private const int LongestString = 131_072;

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_]*\z")]
    private static partial Regex Identifier();

    [GeneratedRegex(@"\A(PATH|HOME|IFS|PS[0-9]|ENV|PWD|OLDPWD|PPID|OPTIND|OPTARG|STATE|TZ|LANG|LC_.*|LD_.*|DOCKER_.*|GODEBUG|HTTPS?_PROXY|NO_PROXY)\z", RegexOptions.IgnoreCase)]
    private static partial Regex Meaningful();

    private static string Publish(PublishedPort port)
    {
        var address = port.HostAddress.Contains(':', StringComparison.Ordinal) ? $"[{port.HostAddress}]" : port.HostAddress;
        return $"--publish={(address.Length > 0 ? address + ":" : "")}{(port.HostPort.Length > 0 || address.Length > 0 ? port.HostPort + ":" : "")}{port.Inside}";
    }

    private static IEnumerable<string> Mount(ContainerMount mount)
    {
        // Only --volume can relabel for SELinux, and only --mount takes paths with colons.
        if (mount.Kind == MountKind.Bind && mount.Relabel.Length > 0 && !mount.Source.Contains(':', StringComparison.Ordinal) && !mount.Target.Contains(':', StringComparison.Ordinal))
            return [$"--volume={mount.Source}:{mount.Target}:{mount.Relabel}{(mount.ReadOnly ? ",ro" : "")}"];
        List<string> parts = [$"type={(mount.Kind == MountKind.Bind ? "bind" : mount.Kind == MountKind.Volume ? "volume" : "tmpfs")}"];
        if (mount.Source.Length > 0)
            parts.Add($"source={mount.Source}");
        parts.Add($"target={mount.Target}");
        if (mount.ReadOnly)
            parts.Add("readonly");
        if (mount.Kind == MountKind.Volume)
            // Its content comes from the first host, not from the image.
            parts.Add("volume-nocopy");
        parts.AddRange(mount.More);
        return [$"--mount={string.Join(',', parts.Select(Field))}"];
    }

    /// <summary>The value of --mount is one line of comma-separated values, quoted as RFC 4180 has it.</summary>
    private static string Field(string text) => text.AsSpan().ContainsAny(',', '"') || text.Contains('\n', StringComparison.Ordinal) ? "\"" + text.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"" : text;
}
