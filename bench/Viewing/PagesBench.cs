using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Playwright;
using MigrationDashboard.Core.Audit;
using MigrationDashboard.Driver;
using MigrationDashboard.Infrastructure.Audit;
using MigrationDashboard.Infrastructure.Postgres;

namespace MigrationDashboard.Bench.Viewing;

/// <summary>
/// First useful paint of every page in chromium, with 1,000 migrations and 1,000,000 audit entries: from the navigation's start to the first
/// frame in which what the page is for is to be seen and nothing says that it is still being read.
/// </summary>
internal static class PagesBench
{
    private const int Times = 5;

    /// <summary>Milliseconds.</summary>
    private const double Limit = 1000;

    private const string Watch =
        """
        (() => {
          const seen = () => {
            const selector = window.__useful ?? sessionStorage.getItem('useful');
            if (selector && document.querySelector(selector) && !document.querySelector('main .busy'))
              requestAnimationFrame(() => setTimeout(() => { window.__seen ??= performance.now(); }));
            else requestAnimationFrame(seen);
          };
          requestAnimationFrame(seen);
        })();
        """;

    public static async Task<bool> RunAsync(string program, int entries)
    {
        var folder = Directory.CreateTempSubdirectory("md-pages-").FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        await using var database = await Database.OpenAsync(new() { DataFolder = folder }, NullLoggerFactory.Instance, default);
        var seed = new Seed(database.Source);
        var clock = Stopwatch.StartNew();
        await seed.MigrationsAsync();
        Report.Say($"{Seed.Migrations} migrations: {clock.Elapsed.TotalSeconds:0} s");
        await seed.AuditAsync(entries);
        Report.Say($"{entries} audit entries: {clock.Elapsed.TotalSeconds:0} s");
        using (var audit = new AuditStore(database.Source, new AuditRedaction()))
        {
            clock.Restart();
            var found = await audit.VerifyAsync(null, default);
            Report.Line(new { Bench = "pages", Page = "seed", AuditEntries = found.Checked, ChainIsWhole = found.Broken is null, VerifyMs = clock.ElapsedMilliseconds });
        }

        await using var dashboard = await Dashboard.StartAsync(program, environment: new Dictionary<string, string> { ["Database__ConnectionString"] = database.ConnectionString, ["ASPNETCORE_ENVIRONMENT"] = "Production" });
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = "/usr/bin/chromium", Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"] });
        var context = await browser.NewContextAsync(new() { BaseURL = dashboard.Address.ToString(), ViewportSize = new() { Width = 1440, Height = 900 } });
        context.SetDefaultTimeout(60_000);
        await context.AddInitScriptAsync(Watch);
        var page = await context.NewPageAsync();
        await page.GotoAsync("/sign-in");
        await page.GetByLabel("Name").FillAsync(Dashboard.AdministratorName);
        await page.GetByLabel("Password").FillAsync(Dashboard.AdministratorPassword);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await page.GetByRole(AriaRole.Heading, new() { Name = "Overview" }).WaitForAsync();

        var ok = true;
        foreach (var (name, path, useful) in Pages(seed))
        {
            // Once without looking: a page's first visit compiles it.
            var times = new List<double>();
            for (var time = 0; time <= Times; time++)
                times.Add(await MeasureAsync(page, path, useful));
            var warm = times.Skip(1).Order().ToList();
            Report.Line(new { Bench = "pages", Page = name, Path = path, FirstVisitMs = Round(times[0]), UsefulPaintP50Ms = Round(warm[Times / 2]), UsefulPaintMaxMs = Round(warm[^1]) });
            ok &= warm[^1] < Limit;
        }

        return ok;
    }

    private static (string Name, string Path, string Useful)[] Pages(Seed seed) =>
    [
        ("overview", "/", "main table tbody tr:nth-child(25)"),
        ("overview, last page", "/?page=40", "main table tbody tr:nth-child(25)"),
        ("overview, searched", "/?q=customer 0777", "main table tbody tr"),
        ("overview, one stage", "/?stage=Drain", "main table tbody tr"),
        ("migration", $"/migrations/{seed.Draining}", "main .path-number"),
        ("new migration", "/migrations/new", "main .wizard select option:nth-child(2)"),
        ("servers", "/servers", "main table tbody tr:nth-child(100)"),
        ("server", $"/servers/{seed.SomeServer}", "main .card .links a"),
        ("register a server", "/servers/register", "main input#f-host"),
        ("schedule", "/schedule", "main .agenda li"),
        ("schedule, done", "/schedule?show=done", "main .agenda li, main .empty"),
        ("audit", "/audit", "main table.audit tbody tr:nth-child(50)"),
        ("audit, by host", "/audit?host=host-077", "main table.audit tbody tr:nth-child(50)"),
        ("audit, by action and outcome", "/audit?action=stage&outcome=Failed", "main table.audit tbody tr"),
        ("audit, rare text", "/audit?text=directory (77600)", "main table.audit tbody tr, main .empty"),
        ("audit, long ago", "/audit?until=2026-06-01", "main table.audit tbody tr, main .empty"),
        ("users", "/users", "main table tbody tr"),
        ("tokens", "/tokens", "main table tbody tr, main .empty"),
        ("settings", "/settings", "main .facts"),
        ("account", "/account", "main form"),
    ];

    private static async Task<double> MeasureAsync(IPage page, string path, string useful)
    {
        await page.EvaluateAsync("selector => sessionStorage.setItem('useful', selector)", useful);
        await page.GotoAsync(path, new() { WaitUntil = WaitUntilState.Commit });
        await page.WaitForFunctionAsync("() => window.__seen");
        var seen = await page.EvaluateAsync<double>("() => window.__seen");

        // To its end, so that one page's circuit does not start in the next one's time.
        await page.WaitForLoadStateAsync(LoadState.Load);
        await page.WaitForTimeoutAsync(700);
        return seen;
    }

    private static double Round(double milliseconds) => Math.Round(milliseconds);
}
