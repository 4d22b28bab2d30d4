namespace MigrationDashboard.Lab.Tests.Browser;

/// <summary>The seed case's mail server and its record, put back to how a new lab has them, so that one lab serves several whole migrations.</summary>
internal sealed class SeedMail(Driver.Lab lab)
{
    /// <summary>Seconds: an operator lowers it some days before.</summary>
    public const int Ttl = 8;

    public async Task RestoreAsync()
    {
        await lab.ShellAsync("new", "docker rm -f mail 2>/dev/null; docker volume rm -f maildata >/dev/null; docker rmi -f lab/postfix:1 >/dev/null 2>&1 || true");
        await lab.ShellAsync("old", "docker rm -f mail 2>/dev/null; /usr/local/sbin/lab-seed");
        await PointToAsync("LAB_OLD", "LAB_OLD6");
        for (var tries = 0; (await Driver.Lab.RunAsync("timeout", ["2", "bash", "-c", $"exec 3<>/dev/tcp/{lab.Fact("LAB_OLD")}/25 && head -n1 <&3"])).ExitCode != 0; tries++)
        {
            Assert.True(tries < 60, "The mail server does not answer on old.");
            await Task.Delay(500);
        }
    }

    /// <summary>What the operator does at the DNS provider's page.</summary>
    public async Task PointToAsync(string ipv4, string ipv6)
    {
        var script = Path.GetTempFileName();
        await File.WriteAllTextAsync(script,
            $"""
            server {lab.Fact("LAB_DNS")}
            zone example.org
            update delete mail.example.org A
            update delete mail.example.org AAAA
            update add mail.example.org {Ttl} A {lab.Fact(ipv4)}
            update add mail.example.org {Ttl} AAAA {lab.Fact(ipv6)}
            send

            """);
        var answer = await Driver.Lab.RunAsync("nsupdate", ["-k", lab.Fact("LAB_DNS_UPDATE_KEY"), script]);
        File.Delete(script);
        Assert.True(answer.ExitCode == 0, answer.Error);
    }
}
