using System.Net;
using Microsoft.AspNetCore.HttpOverrides;

namespace MigrationDashboard.Web.Settings;

/// <summary>Believes forwarded headers from the proxies listed in <c>Proxies</c>, and from nobody else.</summary>
public static class ProxySetup
{
    public static void AddProxies(this WebApplicationBuilder builder)
    {
        var networks = builder.Configuration.GetSection("Proxies").Get<string[]>() ?? [];
        var wrong = networks.Where(n => !TryParse(n, out _)).ToList();
        if (wrong.Count > 0) throw new SettingsException([.. wrong.Select(n => $"Proxies: {n} is neither an address nor a network like 10.0.0.0/24.")]);
        builder.Services.Configure<ForwardedHeadersOptions>(o =>
        {
            o.ForwardedHeaders = networks.Length == 0 ? ForwardedHeaders.None : ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost;
            o.KnownProxies.Clear();
            o.KnownIPNetworks.Clear();
            foreach (var network in networks)
                if (TryParse(network, out var parsed)) o.KnownIPNetworks.Add(parsed);
        });
    }

    private static bool TryParse(string text, out System.Net.IPNetwork network)
    {
        network = default;
        if (System.Net.IPNetwork.TryParse(text, out network)) return true;
        if (!IPAddress.TryParse(text, out var address)) return false;
        network = new System.Net.IPNetwork(address, address.GetAddressBytes().Length * 8);
        return true;
    }
}
