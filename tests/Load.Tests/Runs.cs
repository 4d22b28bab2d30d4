namespace MigrationDashboard.Load.Tests;

/// <summary>Short runs for tests, configured by the arguments a person would type.</summary>
internal static class Runs
{
    public static LoadOptions Options(params string[] args)
    {
        var (options, errors) = CommandLine.Parse(args, _ => null, "test");
        Assert.Empty(errors);
        return options!;
    }

    public static async Task<Summary> ExecuteAsync(params string[] args)
    {
        using var run = new LoadRun(Options(args), TextWriter.Null);
        // A thread of its own, as the program has: a sleeping pool thread would starve the dialogs.
        return await Task.Factory.StartNew(run.Execute, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Polls until it is so, for at most ten seconds.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        for (var i = 0; i < 1000 && !condition(); i++)
            await Task.Delay(10);
        Assert.True(condition(), $"not within 10 s: {what}");
    }
}
