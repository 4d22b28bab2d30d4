using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using MigrationDashboard.Web.Tests;

namespace MigrationDashboard.Lab.Tests.Browser;

/// <summary>The page of a migration, used as a person does: by the words that are on it.</summary>
internal sealed class MigrationScreen(IPage page)
{
    /// <summary>Milliseconds; a stage on a busy computer, a copy of an image included.</summary>
    private const float Patience = 180_000;

    public IPage Page => page;

    /// <summary>Presses the button of a stage, reads what it would do, presses the dialog's button, and waits until the page says that it is there.</summary>
    /// <param name="action">The button's words, such as <c>Go on to Forward</c>.</param>
    /// <param name="place">What the page then says, such as <c>3 of 8 · Forward</c>.</param>
    public async Task StageAsync(string action, string place, string? reason = null)
    {
        await AskAsync(action, reason);
        await ArriveAsync(place);
    }

    public async Task AskAsync(string action, string? reason = null)
    {
        await page.GetByRole(AriaRole.Button, new() { Name = $"{action}…" }).ClickAsync(new() { Timeout = Patience });
        var dialog = page.GetByRole(AriaRole.Dialog);
        await Assertions.Expect(dialog.GetByRole(AriaRole.Heading, new() { Name = "What happens" })).ToBeVisibleAsync();
        if (reason is not null)
            await dialog.GetByRole(AriaRole.Textbox, new() { NameRegex = new("^Reason") }).FillAsync(reason);
        await dialog.GetByRole(AriaRole.Button, new() { NameRegex = new($"^{action} (now|despite)") }).ClickAsync();
        await Assertions.Expect(dialog).ToHaveCountAsync(0);
    }

    public async Task ArriveAsync(string place)
    {
        try
        {
            await Assertions.Expect(page.Locator(".place")).ToContainTextAsync(place, new() { Timeout = Patience });
        }
        catch (PlaywrightException)
        {
            throw new InvalidOperationException($"The page never said “{place}”. It says:\n{await Said()}");
        }

        async Task<string> Said() => await page.Locator("main").InnerTextAsync();
    }

    /// <summary>The big number of a path in the drawing.</summary>
    public ILocator Number(string path) => page.Locator($".path-words[data-path={path}] .path-number");

    /// <summary>Waits until the drawing shows a number that fits.</summary>
    public async Task NumberAsync(string path, Func<int, bool> fits, string wanted)
    {
        var text = "";
        for (var deadline = DateTime.UtcNow.AddSeconds(150); DateTime.UtcNow < deadline; await Task.Delay(200))
        {
            text = await Number(path).InnerTextAsync();
            if (int.TryParse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out var number) && fits(number))
                return;
        }

        Assert.Fail($"{path} should be {wanted}, and the page shows {text}.");
    }

    public Task CutoverIsShownAsync() => Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { NameRegex = new("^(Cutover|Roll back to Drain) of ") })).ToBeVisibleAsync(new() { Timeout = Patience });

    /// <summary>The window has opened, and the clock of the hold stands where the countdown stood.</summary>
    public Task HoldIsShownAsync() => Assertions.Expect(page.GetByRole(AriaRole.Timer, new() { Name = "New connections held" })).ToBeVisibleAsync(new() { Timeout = 240_000 });

    /// <summary>Without the clock, whose seconds differ from one look to the next.</summary>
    public async Task<string> StepsAsync() => Regex.Replace(await page.Locator(".cutover-steps").InnerTextAsync(), @"\s+", " ");
}
