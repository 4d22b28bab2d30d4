using System.Globalization;
using MigrationDashboard.Core;
using MigrationDashboard.Core.Inventory;
using MigrationDashboard.Core.Migrations;
using MigrationDashboard.Core.Servers;
using MigrationDashboard.Infrastructure.Migrations;
using MigrationDashboard.Web.Components.Pages.Migrations;

namespace MigrationDashboard.Web.Components.Pages.NewMigration;

/// <summary>What is known of a server while a migration is described.</summary>
/// <param name="Problem">Why it could not be read just now; null when it could or was not tried.</param>
public sealed record ServerReading(HostInventory? Inventory, DateTimeOffset? At, string? Problem);

/// <summary>A migration that is being described: what was typed, what is wrong with it, and what the servers offer to choose from.</summary>
public sealed class MigrationForm
{
    private readonly HashSet<WizardStep> _checked = [];
    private IReadOnlyList<FieldError> _all = [];

    public MigrationInput Input { get; private set; } = new();

    public WizardStep Step { get; private set; }

    /// <summary>When the cutover is to be, if that is known already; null to plan it later.</summary>
    public PlannedWindow? Window { get; private set; }

    /// <summary>For the check that the window is not over.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public IReadOnlyList<Server> Servers { get; init; } = [];

    /// <summary>Links of migrations that are under way, whose networks and names are taken.</summary>
    public IReadOnlyList<MigrationSpec> Others { get; init; } = [];

    public ServerReading? Old { get; set; }

    public ServerReading? New { get; set; }

    /// <summary>Errors to show: of steps that the person has tried to leave.</summary>
    public IReadOnlyList<FieldError> Errors { get; private set; } = [];

    public event Action? Changed;

    public LinkInput Link => Input.Link ?? new();

    public WorkloadInput Workload => Input.Workload ?? new();

    public GateInput Gate => Input.Gate ?? new(null, null, null);

    public Server? OldServer => Servers.FirstOrDefault(server => server.Id == Input.OldServer);

    public Server? NewServer => Servers.FirstOrDefault(server => server.Id == Input.NewServer);

    /// <summary>Goes on with what was kept.</summary>
    public void Resume(MigrationDraft draft)
    {
        // A server may have been removed meanwhile.
        Input = draft.Input with
        {
            OldServer = Servers.Any(server => server.Id == draft.Input.OldServer) ? draft.Input.OldServer : null,
            NewServer = Servers.Any(server => server.Id == draft.Input.NewServer) ? draft.Input.NewServer : null,
        };
        Window = draft.Window is { } json ? CoreJson.Read<PlannedWindow>(json) : null;
        Step = Enum.TryParse<WizardStep>(draft.Step, out var step) && Enum.IsDefined(step) ? step : WizardStep.Servers;
        Check();
        if (_all.Count > 0 && StepOf(_all[0].Field) is var wrong && wrong < Step)
            Step = wrong;
    }

    public void Change(MigrationInput input)
    {
        Input = input;
        Check();
        Changed?.Invoke();
    }

    public void ChangeWindow(PlannedWindow? window)
    {
        Window = window;
        Check();
        Changed?.Invoke();
    }

    public void ChangeLink(Func<LinkInput, LinkInput> change) => Change(Input with { Link = change(Link) });

    public void ChangeWorkload(Func<WorkloadInput, WorkloadInput> change) => Change(Input with { Workload = change(Workload) });

    public void ChangeGate(Func<GateInput, GateInput> change) => Change(Input with { Gate = change(Gate) });

    /// <summary>Goes to a step. Forward only past steps without errors; otherwise to the first that has some, showing them.</summary>
    public void GoTo(WizardStep wanted)
    {
        Check();
        var step = wanted;
        if (wanted > Step)
        {
            for (var passed = WizardStep.Servers; passed < wanted; passed++)
                _checked.Add(passed);
            foreach (var error in _all.Where(error => StepOf(error.Field) < wanted))
                step = StepOf(error.Field) < step ? StepOf(error.Field) : step;
        }

        Step = step;
        Check();
        Changed?.Invoke();
    }

    /// <summary>Errors that the server found: shown whatever was visited.</summary>
    public void Refuse(IReadOnlyList<FieldError> errors)
    {
        Step = errors.Select(error => StepOf(error.Field)).Min();
        _checked.Add(Step);
        Errors = errors;
    }

    public bool MayGoTo(WizardStep step) => step <= Step || !_all.Any(error => StepOf(error.Field) < step);

    public static WizardStep StepOf(string field) => field.Split('.')[0] switch
    {
        "oldServer" or "newServer" or "servers" => WizardStep.Servers,
        "link" => WizardStep.Link,
        "name" or "ports" or "workload" => WizardStep.Application,
        "dnsNames" or "dnsResolvers" => WizardStep.Names,
        _ => WizardStep.Cutover,
    };

    public static LinkInput Of(Link link) => new()
    {
        Kind = link.Kind,
        OldInterface = link.OldInterface.Value,
        NewInterface = link.NewInterface.Value,
        OldIpv4 = Written(link.Ipv4, link.Ipv4?.Old),
        NewIpv4 = Written(link.Ipv4, link.Ipv4?.New),
        OldIpv6 = Written(link.Ipv6, link.Ipv6?.Old),
        NewIpv6 = Written(link.Ipv6, link.Ipv6?.New),
        AddIpv6 = link.Kind == LinkKind.Existing && link.Ipv6 is { AddedByUs: true },
        Port = link.Port,
        Vni = link.Vni,
    };

    public static WorkloadInput Of(Workload workload) => workload switch
    {
        DockerContainer docker => new() { Kind = "docker", Container = docker.Container.Value },
        ComposeProject compose => new() { Kind = "compose", Project = compose.Project.Value, Folder = compose.Folder },
        SystemdUnit unit => new() { Kind = "systemd", Unit = unit.Unit.Value, DataFolders = unit.DataFolders },
        _ => new() { Kind = "commands" },
    };

    private IReadOnlyList<FieldError> WindowErrors()
    {
        try
        {
            Window?.Parse(Clock.GetUtcNow());
            return [];
        }
        catch (InvalidInputException invalid)
        {
            return invalid.Errors;
        }
    }

    private static string? Written(LinkNetwork? network, System.Net.IPAddress? address) =>
        network is null ? null : string.Create(CultureInfo.InvariantCulture, $"{address}/{network.Network.PrefixLength}");

    private void Check()
    {
        _all = [.. MigrationAdministration.Errors(Input, Servers.Where(server => server.Id == Input.OldServer || server.Id == Input.NewServer)), .. WindowErrors()];
        Errors = [.. _all.Where(error => _checked.Contains(StepOf(error.Field)))];
    }
}
