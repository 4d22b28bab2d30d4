using Microsoft.Playwright;

namespace MigrationDashboard.Web.Tests;

/// <summary>axe-core, the accessibility checker, fetched once as an npm package and run inside the page.</summary>
internal static class Axe
{
    private const string Version = "4.10.3";

    public static async Task<string> ScriptAsync()
    {
        var archive = Path.Combine(Places.Cache, $"axe-core-{Version}.tgz");
        if (!File.Exists(archive)) await Shell.CheckedAsync("npm", ["pack", $"axe-core@{Version}", "--silent"], Places.Cache);
        return await Shell.CheckedAsync("tar", ["-xzOf", archive, "package/axe.min.js"]);
    }

    /// <summary>What breaks WCAG 2.0 to 2.2 at levels A and AA, a line each; empty if nothing does.</summary>
    public static async Task<string> ViolationsAsync(IPage page, string script)
    {
        // The debugger's evaluation is not bound by the page's content security policy, so the policy stays in force.
        await page.EvaluateAsync($"() => {{ if (!window.axe) {{ {script} }} }}");
        var found = await page.EvaluateAsync<string[]>("""
            async () => (await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })).violations
              .flatMap(v => v.nodes.map(n => `${v.id}: ${n.target.join(' ')} ${n.failureSummary.replace(/\s+/g, ' ')}`))
            """);
        return string.Join('\n', found);
    }
}
