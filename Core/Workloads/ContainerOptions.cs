using System.Globalization;
using System.Text.Json;

namespace MigrationDashboard.Core.Workloads;

/// <summary>
/// The settings of a container that move as they are, each as the option of <c>docker create</c> that asks for it; defaults are left out
/// (Docker Engine API, ContainerCreate; docker container create reference).
/// </summary>
public static class ContainerOptions
{
    /// <summary>Size of /dev/shm, bytes, when nothing is said (docker container create reference, --shm-size).</summary>
    private const long DefaultShmSize = 64 * 1024 * 1024;

    public static ValueList<string> Read(JsonElement config, JsonElement ofImage, JsonElement host, DockerSettings docker, string shortId)
    {
        var options = new List<string>();
        void Add(string option, string? value)
        {
            if (!string.IsNullOrEmpty(value))
                options.Add($"--{option}={value}");
        }

        void AddUnless(string option, string? value, params ReadOnlySpan<string?> defaults)
        {
            if (!defaults.Contains(value))
                Add(option, value);
        }

        void AddAll(string option, IEnumerable<string> values)
        {
            foreach (var value in values)
                Add(option, value);
        }

        void AddNumber(string option, long number)
        {
            if (number != 0)
                Add(option, number.ToString(CultureInfo.InvariantCulture));
        }

        void AddFlag(string option, bool set)
        {
            if (set)
                options.Add("--" + option);
        }

        // The process.
        if (host.Text("NetworkMode") != "host" && host.Text("UTSMode") != "host")
            AddUnless("hostname", config.Text("Hostname"), shortId);
        Add("domainname", config.Text("Domainname"));
        AddUnless("user", config.Text("User"), ofImage.Text("User"));
        AddUnless("workdir", config.Text("WorkingDir"), ofImage.Text("WorkingDir"));
        AddAll("label", config.Pairs("Labels").Except(ofImage.Pairs("Labels")));
        AddFlag("tty", config.Flag("Tty"));
        AddFlag("interactive", config.Flag("OpenStdin"));
        AddUnless("stop-signal", config.Text("StopSignal"), ofImage.Text("StopSignal"));
        AddNumber("stop-timeout", config.Number("StopTimeout"));
        Add("mac-address", config.Text("MacAddress"));
        AddAll("expose", config.Members("ExposedPorts").Select(port => port.Name)
            .Except(ofImage.Members("ExposedPorts").Select(port => port.Name)).Except(host.Members("PortBindings").Select(port => port.Name)));
        options.AddRange(Health(config, ofImage));

        // Isolation.
        AddFlag("privileged", host.Flag("Privileged"));
        AddAll("cap-add", host.Texts("CapAdd"));
        AddAll("cap-drop", host.Texts("CapDrop"));
        AddAll("security-opt", host.Texts("SecurityOpt").Where(option => !option.StartsWith("seccomp={", StringComparison.Ordinal)));
        if (!host.Flag("Privileged") && host.Member("MaskedPaths") is { ValueKind: JsonValueKind.Array } masked && masked.GetArrayLength() == 0)
            options.Add("--security-opt=systempaths=unconfined");
        AddFlag("read-only", host.Flag("ReadonlyRootfs"));
        AddFlag("init", host.Flag("Init"));
        AddUnless("ipc", host.Text("IpcMode"), "private", "shareable");
        Add("pid", host.Text("PidMode"));
        Add("uts", host.Text("UTSMode"));
        Add("userns", host.Text("UsernsMode"));
        // Without a word, version 1 means the host's and version 2 a private one.
        AddUnless("cgroupns", host.Text("CgroupnsMode"), docker.CgroupVersion == "2" ? "private" : "host");
        Add("cgroup-parent", host.Text("CgroupParent"));
        AddUnless("runtime", host.Text("Runtime"), docker.Runtime, "runc");
        AddAll("group-add", host.Texts("GroupAdd"));
        AddAll("device", host.Items("Devices").Select(device => $"{device.Text("PathOnHost")}:{device.Text("PathInContainer")}:{device.Text("CgroupPermissions")}"));
        AddAll("device-cgroup-rule", host.Texts("DeviceCgroupRules"));
        AddAll("gpus", host.Items("DeviceRequests").Select(request => request.Texts("DeviceIDs") is { Count: > 0 } ids ? $"\"device={string.Join(',', ids)}\"" : "all"));
        AddAll("sysctl", host.Pairs("Sysctls"));
        AddAll("tmpfs", host.Members("Tmpfs").Select(mount => mount.Value.GetString() is { Length: > 0 } words ? $"{mount.Name}:{words}" : mount.Name));
        AddAll("storage-opt", host.Pairs("StorageOpt"));

        // Limits.
        AddNumber("memory", host.Number("Memory"));
        AddNumber("memory-reservation", host.Number("MemoryReservation"));
        AddNumber("memory-swap", host.Number("MemorySwap"));
        if (host.Member("MemorySwappiness") is { ValueKind: JsonValueKind.Number } && host.Number("MemorySwappiness") is >= 0 and var swappiness)
            Add("memory-swappiness", swappiness.ToString(CultureInfo.InvariantCulture));
        if (host.Number("NanoCpus") is > 0 and var nano)
            Add("cpus", (nano / 1_000_000_000m).ToString("0.#########", CultureInfo.InvariantCulture));
        AddNumber("cpu-shares", host.Number("CpuShares"));
        AddNumber("cpu-period", host.Number("CpuPeriod"));
        AddNumber("cpu-quota", host.Number("CpuQuota"));
        Add("cpuset-cpus", host.Text("CpusetCpus"));
        Add("cpuset-mems", host.Text("CpusetMems"));
        if (host.Number("PidsLimit") is > 0 and var pids)
            AddNumber("pids-limit", pids);
        AddFlag("oom-kill-disable", host.Flag("OomKillDisable"));
        AddNumber("oom-score-adj", host.Number("OomScoreAdj"));
        AddNumber("blkio-weight", host.Number("BlkioWeight"));
        if (host.Number("ShmSize") is > 0 and not DefaultShmSize and var shm)
            AddNumber("shm-size", shm);
        AddAll("ulimit", host.Items("Ulimits").Select(limit => string.Create(CultureInfo.InvariantCulture, $"{limit.Text("Name")}={limit.Number("Soft")}:{limit.Number("Hard")}")));

        // Names and logs.
        AddAll("add-host", host.Texts("ExtraHosts"));
        AddAll("dns", host.Texts("Dns"));
        AddAll("dns-search", host.Texts("DnsSearch"));
        AddAll("dns-option", host.Texts("DnsOptions"));
        AddFlag("publish-all", host.Flag("PublishAllPorts"));
        var logOptions = host.Pairs("LogConfig", "Config");
        if (logOptions.Count > 0 || host.Text("LogConfig", "Type") != docker.Logging)
            Add("log-driver", host.Text("LogConfig", "Type"));
        AddAll("log-opt", logOptions);
        return options.ToValueList();
    }

    private static IEnumerable<string> Health(JsonElement config, JsonElement ofImage)
    {
        var own = config.Member("Healthcheck");
        if (own is not { } check || check.GetRawText() == ofImage.Member("Healthcheck")?.GetRawText())
            yield break;
        var test = check.Texts("Test");
        if (test.Count > 0 && test[0] == "NONE")
        {
            yield return "--no-healthcheck";
            yield break;
        }

        if (test.Count > 1 && !test.Equals(ofImage.Texts("Healthcheck", "Test")))
            // docker create knows only the form with a shell; a list of words is the same command with each word quoted.
            yield return "--health-cmd=" + (test[0] == "CMD-SHELL" ? test[1] : HostScripts.Shell.Words(test.Skip(1)));
        foreach (var (name, option) in new[] { ("Interval", "interval"), ("Timeout", "timeout"), ("StartPeriod", "start-period") })
            if (check.Number(name) is > 0 and var nanoseconds)
                yield return string.Create(CultureInfo.InvariantCulture, $"--health-{option}={nanoseconds}ns");
        if (check.Number("Retries") is > 0 and var retries)
            yield return string.Create(CultureInfo.InvariantCulture, $"--health-retries={retries}");
    }
}
