using MigrationDashboard.Infrastructure.Tests;

if (ChildProcess.Role is { } role)
    return await ChildProcess.PlayAsync(role);

return await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
