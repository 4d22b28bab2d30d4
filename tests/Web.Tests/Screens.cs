using Microsoft.Playwright;

namespace MigrationDashboard.Web.Tests;

/// <summary>How a page looks, light and dark, wide and narrow: a picture each in artifacts/screens, no sideways scrolling, no accessibility violation.</summary>
/// <param name="Axe">The checker's script.</param>
internal sealed record Screens(IPage Page, string Axe)
{
    private readonly List<string> problems = [];

    public static async Task<Screens> OfAsync(IPage page) => new(page, await Web.Tests.Axe.ScriptAsync());

    /// <summary>The page as it stands, in each theme and width; it is left light and wide.</summary>
    public async Task CheckAsync(string name)
    {
        await CheckAsync(name, 390);
        await CheckAsync(name, 1440);
    }

    /// <summary>In one width only.</summary>
    public async Task CheckAsync(string name, int width)
    {
        foreach (var theme in new[] { "dark", "light" })
        {
            await ShowAsync(theme, width);
            await LookAsync(name, theme, width);
        }
    }

    public async Task ShowAsync(string theme, int width)
    {
        await Page.SetViewportSizeAsync(width, width == 390 ? 844 : 900);
        await Page.EmulateMediaAsync(new() { ColorScheme = theme == "dark" ? ColorScheme.Dark : ColorScheme.Light });
    }

    public void MustBeFine() => Assert.True(problems.Count == 0, string.Join('\n', problems));

    private async Task LookAsync(string name, string theme, int width)
    {
        await Page.ScreenshotAsync(new() { Path = Path.Combine(Places.Screens, $"{name}-{theme}-{width}.png"), FullPage = true });
        var overflow = await Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
        if (overflow > 0) problems.Add($"{name} at {width} px is {overflow} px too wide.");
        var violations = await Web.Tests.Axe.ViolationsAsync(Page, Axe);
        if (violations.Length > 0) problems.Add($"{name} {theme} {width}: {violations}");
    }
}
