using MigrationDashboard.Core.Servers;
using MigrationDashboard.Core.Workloads;

namespace MigrationDashboard.Core.Migrations;

/// <summary>Turns what was typed of a workload into a <see cref="Workload"/>.</summary>
internal static class WorkloadSpecs
{
    /// <summary>What a stop and a start get when nothing is said, seconds: Docker's own ten for a stop, twice that for a start, or what the hold leaves of them.</summary>
    public static (int Stop, int Start) DefaultSeconds(int? hold) => (Math.Min(10, (hold ?? 60) - 1), Math.Min(20, (hold ?? 60) - 1));

    /// <param name="hold">The limit of the hold in which it stops and starts, seconds; null when it does so outside of one.</param>
    public static Workload? Parse(WorkloadInput input, int? hold, List<FieldError> errors)
    {
        var before = errors.Count;
        var folders = (input.DataFolders ?? []).Select(text => text.Trim()).Where(text => text.Length > 0).ToList();
        foreach (var folder in folders)
            RequirePath(folder, "workload.dataFolders", errors);
        Workload? workload = input.Kind switch
        {
            "docker" => MigrationSpecs.ParseName<DockerName>(input.Container, "workload.container", errors) is { } container ? new DockerContainer(container) : null,
            "compose" when RequirePath(input.Folder, "workload.folder", errors) => MigrationSpecs.ParseName<DockerName>(input.Project, "workload.project", errors) is { } project ? new ComposeProject(project, input.Folder!) : null,
            "compose" => null,
            "systemd" => MigrationSpecs.ParseName<UnitName>(input.Unit, "workload.unit", errors) is { } unit ? new SystemdUnit(unit, folders.ToValueList()) : null,
            "commands" => new CustomCommands(
                Command(input.Start, "workload.start", errors), Command(input.Stop, "workload.stop", errors), Command(input.HealthCommand, "workload.healthCommand", errors), folders.ToValueList()),
            _ => Refused(),
        };
        var usual = DefaultSeconds(hold);
        var stop = MigrationSpecs.Between(input.StopSeconds ?? usual.Stop, 1, 600, "workload.stopSeconds", "seconds", errors);
        var start = MigrationSpecs.Between(input.StartSeconds ?? usual.Start, 1, 600, "workload.startSeconds", "seconds", errors);
        FitsHold(stop, "workload.stopSeconds", "stop");
        FitsHold(start, "workload.startSeconds", "start");
        var health = ParseHealth(input.Health ?? HealthCheck.TcpConnect, errors);
        return errors.Count > before || workload is null ? null : workload with { StopSeconds = stop, StartSeconds = start, Health = health, Replace = input.Replace };

        void FitsHold(int seconds, string field, string what)
        {
            if (hold is { } limit && seconds >= limit && seconds <= 600)
                errors.Add(new(field, $"a {what} may take less than the hold's limit of {limit} s only: past that the host goes back by itself"));
        }

        Workload? Refused()
        {
            errors.Add(new("workload.kind", "choose what moves: docker, compose, systemd or commands"));
            return null;
        }
    }

    /// <summary>Texts of a check are values to the host, but for the command, which is the operator's code by intent.</summary>
    private static HealthCheck ParseHealth(HealthCheck input, List<FieldError> errors)
    {
        // What another kind of check was given before is of no meaning to this one.
        var asksHttp = input.Kind is HealthKind.Http or HealthKind.Https;
        var health = input with { Path = asksHttp ? input.Path : null, Expect = input.Kind is HealthKind.TcpConnect or HealthKind.Tls ? null : input.Expect };
        if (!Enum.IsDefined(health.Kind))
            errors.Add(new("workload.health.kind", "choose one of tcpConnect, banner, http, https, tls, command"));
        if (health.Port == 0)
            errors.Add(new("workload.health.port", "a port is a number from 1 to 65535"));
        if (health.Kind == HealthKind.Command)
        {
            Command(health.Expect, "workload.health.expect", errors);
        }
        else if (health.Expect is { } expect)
        {
            if (expect.Length > 500)
                errors.Add(new("workload.health.expect", "at most 500 characters"));
            else if (expect.Any(char.IsControl))
                errors.Add(new("workload.health.expect", "no control characters: only the first line is compared"));
            else if (asksHttp && !(expect.Length == 3 && expect.All(char.IsAsciiDigit)))
                errors.Add(new("workload.health.expect", "a status is a number of three digits, such as 200"));
        }

        if (health.Path is { } path && (path.Length is 0 or > 1000 || path[0] != '/' || path.Any(c => c is <= ' ' or >= '\x7f')))
            errors.Add(new("workload.health.path", "a path begins with / and has neither blanks nor characters outside of ASCII: write them as %20"));
        return health;
    }

    private static bool RequirePath(string? path, string field, List<FieldError> errors)
    {
        var reason = string.IsNullOrEmpty(path) ? "name a folder by its absolute path"
            : path.Length > 1024 ? "a path has at most 1024 characters"
            : path[0] != '/' ? $"“{MigrationSpecs.Shown(path)}” is not an absolute path: begin with /"
            : path.Any(char.IsControl) ? "a path has no control characters"
            : path.Split('/').Contains("..") ? "a path has no .. in it"
            : path.Contains("//", StringComparison.Ordinal) ? "a path has no empty part in it"
            : SyncFolder.Refuse(path);
        if (reason is not null)
            errors.Add(new(field, reason));
        return reason is null;
    }

    private static string Command(string? text, string field, List<FieldError> errors)
    {
        if (string.IsNullOrWhiteSpace(text))
            errors.Add(new(field, "give the command"));
        else if (text.Length > 4000)
            errors.Add(new(field, "a command has at most 4000 characters: put a longer one in a script on the server"));
        else if (text.Contains('\0', StringComparison.Ordinal))
            errors.Add(new(field, "a command has no NUL character"));
        return text ?? "";
    }
}
