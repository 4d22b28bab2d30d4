using Microsoft.Playwright;
using Npgsql;

namespace MigrationDashboard.Web.Tests;

public sealed class AuditTests(World world)
{
    [Fact]
    public async Task Sign_ins_and_changes_to_users_are_recorded_and_no_password_is()
    {
        await world.Dashboard.AddUserAsync("rita", "viewer");
        await using var window = await (await world.Chromium.OpenAsync(world.Dashboard)).SignInAsync("rita", "a wrong password");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await window.SignInAsync("my secret typed as a name", "x");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await window.SignInAsync("rita");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading, new() { Name = "Overview" })).ToBeVisibleAsync();

        var entries = await EntriesAsync();
        Assert.Contains(entries, e => e is ("ada", "user.add", "Ok", _) && e.Detail.StartsWith("Added rita as viewer", StringComparison.Ordinal));
        Assert.Contains(("rita", "user.sign-in", "Refused", "Wrong password"), entries);
        Assert.Contains(("unknown", "user.sign-in", "Refused", "A name that does not exist"), entries);
        Assert.Contains(("rita", "user.sign-in", "Ok", "With the password"), entries);
        Assert.DoesNotContain(entries, e => e.Detail.Contains("secret", StringComparison.Ordinal) || e.Detail.Contains(Dashboard.Password, StringComparison.Ordinal));
    }

    private async Task<List<(string Actor, string Action, string Outcome, string Detail)>> EntriesAsync()
    {
        await using var connection = new NpgsqlConnection(world.Dashboard.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("select actor, action, outcome, detail from audit_entry order by sequence", connection);
        await using var reader = await command.ExecuteReaderAsync();
        List<(string, string, string, string)> entries = [];
        while (await reader.ReadAsync()) entries.Add((reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3)));
        return entries;
    }
}
