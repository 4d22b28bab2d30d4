using System.Net;

namespace MigrationDashboard.Core.Workloads;

/// <summary>
/// Everything needed to make a container again: what Docker reports of it, less what comes with its image. Two containers that behave alike have
/// equal definitions, so it also tells whether the copy is one.
/// </summary>
public sealed record ContainerDefinition
{
    public required string Name { get; init; }

    /// <summary>The image as it was named when the container was made; the name may mean another image by now.</summary>
    public required string Image { get; init; }

    /// <summary><c>sha256:…</c> of the image that it really runs.</summary>
    public required string ImageId { get; init; }

    /// <summary>Null for the image's own; empty for none.</summary>
    public ValueList<string>? Entrypoint { get; init; }

    /// <summary>Null for the image's own.</summary>
    public ValueList<string>? Command { get; init; }

    /// <summary><c>NAME=value</c>, without those of the image. May hold passwords.</summary>
    public ValueList<string> Environment { get; init; } = [];

    /// <summary>All other settings that differ from Docker's defaults, as options of <c>docker create</c>, one word each.</summary>
    public ValueList<string> Options { get; init; } = [];

    public ValueList<ContainerMount> Mounts { get; init; } = [];

    public ValueList<PublishedPort> Published { get; init; } = [];

    /// <summary><c>default</c>, <c>bridge</c>, <c>host</c>, <c>none</c> or the name of a network.</summary>
    public string NetworkMode { get; init; } = "default";

    public ValueList<NetworkAttachment> Networks { get; init; } = [];

    /// <summary><c>no</c>, <c>always</c>, <c>unless-stopped</c>, <c>on-failure</c> or <c>on-failure:5</c>; as the container has it now, which is <c>no</c> while it is fenced.</summary>
    public string Restart { get; init; } = "no";

    /// <summary>A seccomp profile of its own (JSON), which Docker keeps with the container; null for Docker's default or none.</summary>
    public string? Seccomp { get; init; }

    /// <summary>Files written outside of volumes, as <c>docker diff</c> lists them: they stay behind.</summary>
    public ValueList<string> Changed { get; init; } = [];

    /// <summary>Why it cannot be moved; empty when it can.</summary>
    public ValueList<string> Refusals { get; init; } = [];

    public bool HasOwnNetworks => NetworkMode is not ("default" or "bridge" or "host" or "none") && !NetworkMode.StartsWith("container:", StringComparison.Ordinal);

    /// <summary>What is different in a copy, as words for people: the restart policy (fenced) and what the plan had to change are not looked at.</summary>
    public static ValueList<string> Differences(ContainerDefinition wanted, ContainerDefinition copy)
    {
        var differences = new List<string>();
        void Compare<T>(string what, T one, T other)
        {
            if (!EqualityComparer<T>.Default.Equals(one, other))
                differences.Add($"{what}: {one} became {other}");
        }

        Compare("name", wanted.Name, copy.Name);
        Compare("image", wanted.ImageId, copy.ImageId);
        Compare("entrypoint", wanted.Entrypoint, copy.Entrypoint);
        Compare("command", wanted.Command, copy.Command);
        Compare("options", wanted.Options, copy.Options);
        Compare("mounts", wanted.Mounts, copy.Mounts);
        Compare("published ports", wanted.Published, copy.Published);
        Compare("networks", wanted.Networks.Select(network => network.Network).ToValueList(), copy.Networks.Select(network => network.Network).ToValueList());
        if (!wanted.Environment.Equals(copy.Environment))
            differences.Add("environment");
        if (wanted.Seccomp != copy.Seccomp)
            differences.Add("seccomp profile");
        return differences.ToValueList();
    }
}

public enum MountKind
{
    Bind,
    Volume,
    Tmpfs,
}

/// <param name="Source">Path on the host for a bind mount, name of the volume, empty for tmpfs.</param>
/// <param name="Relabel"><c>z</c> or <c>Z</c> (SELinux) for bind mounts that ask for it; empty otherwise.</param>
/// <param name="More">Further parts of <c>--mount</c>, such as <c>bind-propagation=rslave</c> or <c>tmpfs-size=1048576</c>.</param>
public sealed record ContainerMount(MountKind Kind, string Source, string Target, bool ReadOnly, string Relabel, ValueList<string> More);

/// <param name="Inside">Port and transport in the container, <c>25/tcp</c>.</param>
/// <param name="HostAddress">Empty for all addresses.</param>
/// <param name="HostPort">Empty when Docker chooses one.</param>
public sealed record PublishedPort(string Inside, string HostAddress, string HostPort);

/// <param name="Aliases">Names by which other containers of the network know it, beside its own.</param>
/// <param name="Ipv4">The address it asked for; null when Docker chose one.</param>
public sealed record NetworkAttachment(string Network, ValueList<string> Aliases, IPAddress? Ipv4, IPAddress? Ipv6);
