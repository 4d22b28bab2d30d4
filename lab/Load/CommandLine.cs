using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MigrationDashboard.Load;

/// <summary>Reads the arguments. All errors are reported together, each named by its option.</summary>
internal sealed class CommandLine
{
    // Enough to find a lab's limit, low enough that a typing error does no harm.
    private const double HighestRate = 20_000;

    // Enough for a soak test over night; nothing runs without an end.
    private const double LongestRun = 86_400;

    // The histogram ends at 36 minutes; no client waits longer.
    private const double LongestTimeout = 1_800;

    // With 48 characters of run id, a message's id line stays under the 78 columns RFC 5322 advises for a header line.
    private const int LongestRunId = 48;

    private readonly Func<string, IPAddress?> _resolve;
    private readonly List<string> _errors = [];
    private readonly List<Target> _targets = [];
    private readonly List<IPAddress> _sources = [];
    private LoadOptions _options;
    private bool _rateGiven;

    private CommandLine(Func<string, IPAddress?> resolve, string run)
    {
        _resolve = resolve;
        _options = new LoadOptions { Targets = _targets, Sources = _sources, Run = run };
    }

    /// <param name="args">As the process got them.</param>
    /// <param name="resolve">Finds the address of a host name, or null.</param>
    /// <param name="run">The run's name when none is given.</param>
    /// <returns>The options, or all that is wrong.</returns>
    public static (LoadOptions? Options, IReadOnlyList<string> Errors) Parse(string[] args, Func<string, IPAddress?> resolve, string run)
    {
        var line = new CommandLine(resolve, run);
        line.Read(args);
        if (line._errors.Count == 0)
            line.CheckTogether();
        return line._errors.Count == 0 ? (line._options, []) : (null, line._errors);
    }

    private void Read(string[] args)
    {
        for (var i = 0; i < args.Length; i++)
        {
            var equals = args[i].StartsWith("--", StringComparison.Ordinal) ? args[i].IndexOf('=', StringComparison.Ordinal) : -1;
            var name = equals < 0 ? args[i] : args[i][..equals];
            if (name == "--progress" && equals < 0)
                _options = _options with { Progress = true };
            else if (equals >= 0)
                Set(name, args[i][(equals + 1)..]);
            else if (!IsKnown(name))
                _errors.Add($"{name}: no such option");
            else if (i + 1 == args.Length)
                _errors.Add($"{name}: the value is missing");
            else
                Set(name, args[++i]);
        }
    }

    private static bool IsKnown(string name) => name is "--target" or "--rate" or "--duration" or "--count" or "--from" or "--connect-timeout"
        or "--timeout" or "--sessions" or "--session-interval" or "--mail-rate" or "--mail-log" or "--run" or "--stop-file";

    private void Set(string name, string value)
    {
        switch (name)
        {
            case "--target":
                var (target, error) = Target.Parse(value, _resolve);
                if (target is not null)
                    _targets.Add(target);
                else
                    _errors.Add($"{name}: {error}");
                break;
            case "--from":
                var (addresses, wrong) = SourceRange.Parse(value);
                _sources.AddRange(addresses);
                if (wrong is not null)
                    _errors.Add($"{name}: {wrong}");
                break;
            case "--rate":
                _options = _options with { Rate = Number(name, value, 0, HighestRate) };
                _rateGiven = true;
                break;
            case "--mail-rate":
                _options = _options with { MailRate = Number(name, value, 0, HighestRate) };
                break;
            case "--duration":
                _options = _options with { Duration = Seconds(name, value, LongestRun) };
                break;
            case "--count":
                _options = _options with { Count = Whole(name, value, 1, int.MaxValue) };
                break;
            case "--connect-timeout":
                _options = _options with { ConnectTimeout = Seconds(name, value, LongestTimeout) };
                break;
            case "--timeout":
                _options = _options with { Timeout = Seconds(name, value, LongestTimeout) };
                break;
            case "--sessions":
                _options = _options with { Sessions = (int)Whole(name, value, 0, 50_000) };
                break;
            case "--session-interval":
                _options = _options with { SessionInterval = Seconds(name, value, LongestRun) };
                break;
            case "--mail-log":
                _options = _options with { MailLog = Path(name, value) };
                break;
            case "--stop-file":
                _options = _options with { StopFile = Path(name, value) };
                break;
            case "--run":
                _options = _options with { Run = RunId(name, value) };
                break;
            default:
                _errors.Add($"{name}: no such option");
                break;
        }
    }

    private void CheckTogether()
    {
        if (_targets.Count == 0)
            _errors.Add("--target: none given");
        if (_options is { Rate: 0, MailRate: 0, Sessions: 0 })
            _errors.Add(_rateGiven ? "--rate: 0, and neither --sessions nor --mail-rate: nothing to do" : "--rate: give it, or --sessions, or --mail-rate");
        if (_options.Count is not null && _options is { Rate: 0, MailRate: 0 })
            _errors.Add("--count: needs --rate or --mail-rate");
        if (_options.MailRate > 0 && _targets.All(target => target.Kind != TargetKind.Smtp))
            _errors.Add("--mail-rate: no --target is of kind /smtp");
        if (_options.MailLog is not null && _options.MailRate <= 0)
            _errors.Add("--mail-log: needs --mail-rate");
        if (_options.Sessions > 0 && _targets.All(target => target.IsDatagrams))
            _errors.Add("--sessions: every --target is of kind /udp or /dns");
        if (_sources.Count == 0)
            return;
        foreach (var target in _targets)
        {
            var family = target.EndPoint.AddressFamily == AddressFamily.InterNetwork ? "IPv4" : "IPv6";
            if (_options.SourcesFor(target.EndPoint.AddressFamily).Count == 0)
                _errors.Add($"--from: has no {family} address for --target {target.Name}");
        }
    }

    private double Number(string name, string value, double least, double most)
    {
        if (double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            return number;
        _errors.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: '{value}' is not a number from {least} to {most}"));
        return least;
    }

    private long Whole(string name, string value, long least, long most)
    {
        if (long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            return number;
        _errors.Add($"{name}: '{value}' is not a whole number from {least} to {most}");
        return least;
    }

    // Ten milliseconds: less than that measures the timer.
    private TimeSpan Seconds(string name, string value, double most) => TimeSpan.FromSeconds(Number(name, value, 0.01, most));

    private string Path(string name, string value)
    {
        if (value.Length == 0)
            _errors.Add($"{name}: the path is empty");
        return value;
    }

    private string RunId(string name, string value)
    {
        if (value.Length is 0 or > LongestRunId || value.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-')))
            _errors.Add($"{name}: '{value}' is not 1 to {LongestRunId} letters, digits, dots, underscores or hyphens");
        return value;
    }
}
