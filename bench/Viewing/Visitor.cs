using System.Net;
using System.Text.RegularExpressions;

namespace MigrationDashboard.Bench.Viewing;

/// <summary>Somebody who has signed in as people do, by the form, and has the cookie.</summary>
internal sealed partial class Visitor : IDisposable
{
    private readonly HttpClientHandler _handler = new() { CookieContainer = new(), MaxConnectionsPerServer = 64 };

    private Visitor(Uri address)
    {
        Address = address;
        Http = new(_handler) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) };
    }

    public Uri Address { get; }

    public HttpClient Http { get; }

    public CookieContainer Cookies => _handler.CookieContainer;

    public static async Task<Visitor> SignInAsync(Uri address, string name, string password)
    {
        var visitor = new Visitor(address);
        var page = await visitor.Http.GetStringAsync("/sign-in");
        var form = HiddenPattern().Matches(page).ToDictionary(field => field.Groups["name"].Value, field => WebUtility.HtmlDecode(field.Groups["value"].Value));
        var fields = FieldPattern().Matches(page).Select(field => field.Groups[1].Value).ToList();
        form[fields.First(field => field.EndsWith("Name", StringComparison.Ordinal))] = name;
        form[fields.First(field => field.EndsWith("Password", StringComparison.Ordinal))] = password;
        using var answer = await visitor.Http.PostAsync("/sign-in", new FormUrlEncodedContent(form));
        answer.EnsureSuccessStatusCode();
        return (await visitor.Http.GetAsync("/settings")).RequestMessage!.RequestUri!.AbsolutePath == "/settings" ? visitor : throw new InvalidOperationException("Nobody was signed in.");
    }

    public void Dispose()
    {
        Http.Dispose();
        _handler.Dispose();
    }

    [GeneratedRegex("""<input type="hidden" name="(?<name>[^"]+)" value="(?<value>[^"]*)""")]
    private static partial Regex HiddenPattern();

    [GeneratedRegex("""<input[^>]*name="([^"]+)""")]
    private static partial Regex FieldPattern();
}
