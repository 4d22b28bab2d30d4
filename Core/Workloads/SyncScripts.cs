using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using MigrationDashboard.Core.HostScripts;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Network;
using MigrationDashboard.Core.Stages;

namespace MigrationDashboard.Core.Workloads;

/// <summary>
/// Data straight from the host where the workload runs (the source) to the other (the target), over the link, with a key made for one run: it never leaves
/// the source, is good for a temporary sshd on the target only, and may there do nothing but write the listed folders and load an image.
/// </summary>
/// <remarks>Order: <see cref="OpenSource"/> → <see cref="OpenTarget"/> → <see cref="Images"/> → (prepare) → <see cref="Delta"/> … → final in the hold → both closes.</remarks>
public sealed partial class SyncScripts
{
    /// <summary>Port of the temporary sshd for the first slot; each migration that shares a server has its own.</summary>
    private const int FirstPort = 7321;

    private readonly Allocation own;
    private readonly IPAddress source;
    private readonly IPAddress target;
    private readonly ValueList<SyncFolder> folders;
    private readonly ValueList<ImageToMove> images;
    private readonly int seconds;

    private SyncScripts(Allocation own, IPAddress source, IPAddress target, ValueList<SyncFolder> folders, ValueList<ImageToMove> images, int seconds)
    {
        (this.own, this.source, this.target, this.folders, this.images, this.seconds) = (own, source, target, folders, images, seconds);
    }

    /// <summary>The TCP port on the target's link address that its firewall must let the source reach.</summary>
    public static ushort PortOf(Allocation own) => (ushort)(FirstPort + own.Slot);

    /// <param name="folders">Source and target as for a move from old to new; turned round here for the way back.</param>
    /// <param name="lifetime">After this long all of it is gone by itself, whatever happened. At most a week.</param>
    /// <exception cref="InvalidInputException">A path cannot be mirrored, or the link has no addresses.</exception>
    public static SyncScripts Of(Migration migration, ValueList<SyncFolder> folders, ValueList<ImageToMove> images, TimeSpan lifetime, Role from = Role.Old)
    {
        var network = migration.Spec.Link.Ipv4 ?? migration.Spec.Link.Ipv6 ?? throw new InvalidInputException("link", "the link has no addresses");
        var errors = folders.SelectMany(folder => new[] { folder.Source, folder.Target }).Select(SyncFolder.Refuse).OfType<string>().Distinct()
            .Select(reason => new FieldError("folders", reason)).ToList();
        if (errors.Count > 0)
            throw new InvalidInputException(errors);
        var seconds = (int)Math.Clamp(lifetime.TotalSeconds, 60, TimeSpan.FromDays(7).TotalSeconds);
        return from == Role.Old
            ? new(migration.Allocation, network.Old, network.New, folders, images, seconds)
            : new(migration.Allocation, network.New, network.Old, folders.Select(folder => folder.Reverse()).ToValueList(), images, seconds);
    }

    /// <summary>On the source: makes the key. Result <c>key</c> with <c>publicKey</c>.</summary>
    public string OpenSource() => Source(null, "step key make_key\nprint_key");

    /// <summary>On the target: the temporary sshd. Result <c>listening</c> with <c>hostKey</c> and <c>port</c>.</summary>
    public string OpenTarget(string publicKey)
    {
        var text = new StringBuilder(TargetValues());
        text.Append(CultureInfo.InvariantCulture, $"PUBLIC_KEY={Shell.Quote(Key(publicKey))}\n");
        text.Append(Shell.Function("sync_paths", string.Concat(folders.Select(folder => folder.Target + (folder.IsFile ? "" : "/") + "\n"))));
        text.Append(Shell.Function("gate_text", $"SYNC={RunFolder}/target STATE={WorkloadScripts.StateFolder(own)} FOLDER={own.Folder}\n" + ScriptFile.Read("sync-gate.sh")));
        return text + Files("sync-target.sh") + Main("step listen listen\nprint_host_key");
    }

    /// <summary>On the source: sends the images that the target lacks. Results <c>progress</c> and <c>image</c>.</summary>
    public string Images(string hostKey) => Source(hostKey, ConnectStep + string.Concat(images.Select(image => $"send_image {Shell.Words(image.Id, image.SaveAs)}\n")));

    /// <summary>On the source: one pass while the workload runs. Results <c>progress</c> (twice a second) and <c>pass</c> for each folder.</summary>
    public string Delta(string hostKey) => Source(hostKey, ConnectStep + "mirror_all");

    /// <summary>On the source, when the workload has stopped: the last pass and its proof. Results <c>pass</c> and <c>proof</c> for each folder. Part of <see cref="WorkloadScripts.StopAndSync"/>.</summary>
    public string Final(string hostKey) => Source(hostKey, FinalSteps);

    /// <summary>On the source: prints what became of a run's change on the target, by the way that the data went; nothing while there is no answer.</summary>
    /// <param name="token">The run's: letters and digits.</param>
    public string Ask(string token) => $"unset SSH_AUTH_SOCK\ntimeout 10 ssh -F {RunFolder}/source/ssh_config target state {Shell.Quote(token)}\n";

    public string CloseSource() => Source(null, "step close close_source");

    public string CloseTarget() => TargetValues() + Files("sync-target.sh") + Main("step close close_target");

    internal const string FinalSteps = "step connect connect held\nmirror_finally\n";

    internal string SourceValues(string? hostKey) => string.Create(CultureInfo.InvariantCulture, $"""
        SYNC={RunFolder}/source
        LIFE={seconds}
        SOURCE_ADDRESS={source}
        TARGET_ADDRESS={target}
        PORT={PortOf(own)}
        HOST_KEY={Shell.Quote(hostKey is null ? "" : Key(hostKey))}

        """) + Shell.Function("sync_folders", string.Concat(folders.Index().Select(pair =>
            string.Create(CultureInfo.InvariantCulture, $"{pair.Index + 1}\t{(pair.Item.IsFile ? "file" : "folder")}\t{(pair.Item.ByName ? "name" : "number")}\t{pair.Item.Source}\n"))));

    private const string ConnectStep = "step connect connect\n";

    private string RunFolder => $"/run/migration-dashboard-{own.Key}";

    private string Common => $"""
        set -u
        export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        umask 077
        unset SSH_AUTH_SOCK
        BEST_EFFORT=no
        KEY={own.Key}
        STATE={WorkloadScripts.StateFolder(own)}

        """;

    private string TargetValues() => Common + string.Create(CultureInfo.InvariantCulture, $"""
        SYNC={RunFolder}/target
        LIFE={seconds}
        SOURCE_ADDRESS={source}
        TARGET_ADDRESS={target}
        PORT={PortOf(own)}

        """);

    private string Source(string? hostKey, string main) => Common + SourceValues(hostKey) + Files("sync-source.sh") + Main(main);

    private static string Files(string file) => ScriptFile.Read("step.sh") + ScriptFile.Read("words.sh") + ScriptFile.Read(file);

    private static string Main(string main) => "main() {\n" + main.TrimEnd('\n') + "\n}\nmain </dev/null\n";

    /// <summary>A public key as ssh-keygen writes it, without its comment: it goes into authorized_keys and known_hosts, where a line break would be a second key.</summary>
    private static string Key(string text) => KeyPattern().IsMatch(text) ? text : throw new InvalidInputException("key", "that is no public key of OpenSSH");

    [GeneratedRegex(@"\A(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp256) [A-Za-z0-9+/]{40,1500}={0,2}\z")]
    private static partial Regex KeyPattern();
}
