using MigrationDashboard.Core.Connections;
using MigrationDashboard.Core.Preflight;
using MigrationDashboard.Core.Stages;
using MigrationDashboard.Infrastructure.Connections;

namespace MigrationDashboard.Web.Live;

/// <summary>What is not as it should be in a migration at this moment, a sentence each: the same on its page and in the overview.</summary>
public static class MigrationAlerts
{
    public static IEnumerable<string> Of(MigrationSnapshot snapshot, DateTimeOffset now)
    {
        if (snapshot.LastOver is { State: RunState.Failed } failed && snapshot.Running is null)
            yield return $"The last run, to {failed.Target}, failed.";
        var failing = snapshot.Checks.Count(check => check.Status is CheckStatus.Fail or CheckStatus.Error);
        if (failing > 0)
            yield return $"{failing} {(failing == 1 ? "check fails" : "checks fail")}.";
        foreach (var problem in Counting(snapshot, now))
            yield return problem;
    }

    /// <summary>Of the numbers: why they may be wrong, and tables that fill up.</summary>
    public static IEnumerable<string> Counting(MigrationSnapshot snapshot, DateTimeOffset now)
    {
        if (snapshot.Stage is Stage.Preflight or Stage.Decommission)
            yield break;
        foreach (var host in snapshot.Counts.Reporters)
        {
            var name = snapshot.Server(host.Reporter).Name;
            if (host.Error is { } error)
                yield return $"{name} is not counted: {error}";
            else if (host.At is { } at && now - at > ConnectionHistory.Stale)
                yield return $"{name} was last counted {(now - at).TotalMinutes switch { < 2 => $"{(now - at).TotalSeconds:0} s", < 120 => $"{(now - at).TotalMinutes:0} min", _ => $"{(now - at).TotalHours:0} h" }} ago: the numbers are old.";
            if (host.ConntrackFill is { } fill && fill >= LiveCounts.ConntrackAlert)
                yield return $"The table of connections of {name} is {fill:P0} full ({host.ConntrackEntries:N0} of {host.ConntrackMost:N0}): past its end new connections are refused.";
        }
    }
}
