using System.Collections.Concurrent;
using System.Text;

namespace MigrationDashboard.Load.Tests;

public sealed class DeliveryTests : IDisposable
{
    private readonly string _log = Path.Combine(Path.GetTempPath(), $"load-mail-{Guid.NewGuid():N}");
    private readonly ConcurrentBag<(string Envelope, string Message)> _mailbox = [];

    public void Dispose() => File.Delete(_log);

    /// <summary>A mail server that keeps what it accepts. The hooks say what else happens.</summary>
    private Func<FakeClient, Task> MailServer(Func<FakeClient, Task<bool>>? beforeAccepting = null, bool closesAfterAccepting = false, string rcpt = "250 ok") =>
        async client =>
        {
            await client.SayAsync("220 fake\r\n");
            var envelope = new StringBuilder();
            while (await client.LineAsync() is var line && line != "QUIT")
            {
                if (line != "DATA")
                {
                    envelope.Append(line).Append('\n');
                    await client.SayAsync(line.StartsWith("EHLO", StringComparison.Ordinal) ? "250-fake\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
                        : line.StartsWith("RCPT", StringComparison.Ordinal) ? rcpt + "\r\n" : "250 ok\r\n");
                    continue;
                }

                await client.SayAsync("354 go on\r\n");
                var message = new StringBuilder();
                while (await client.LineAsync() is var text && text != ".")
                    message.Append(text).Append('\n');
                if (beforeAccepting is not null && !await beforeAccepting(client))
                    return;
                _mailbox.Add((envelope.ToString(), message.ToString()));
                await client.SayAsync("250 kept\r\n");
                if (closesAfterAccepting)
                    return;
            }

            await client.SayAsync("221 bye\r\n");
        };

    private async Task<Summary> DeliverAsync(Func<FakeClient, Task> behaviour)
    {
        using var server = new FakeServer(behaviour);
        return await Runs.ExecuteAsync(
            "--target", $"127.0.0.1:{server.Port}/smtp", "--mail-rate", "100", "--count", "10", "--mail-log", _log, "--run", "r1", "--from", "127.0.0.12",
            "--timeout", "1");
    }

    [Fact]
    public async Task Every_accepted_message_is_in_the_mailbox_and_in_the_log_once()
    {
        var summary = await DeliverAsync(MailServer());
        var ids = Enumerable.Range(1, 10).Select(number => $"r1-{number}").Order().ToList();
        Assert.Equal((10, 10, 0), (summary.Mail.Attempted, summary.Mail.Accepted, summary.Mail.Failed));
        Assert.Equal(ids, (await File.ReadAllLinesAsync(_log)).Order());
        Assert.Equal(ids, _mailbox.Select(mail => mail.Message.Split('\n').Single(line => line.StartsWith("X-Load-Id: ", StringComparison.Ordinal))[11..]).Order());
        Assert.All(_mailbox, mail => Assert.Equal("EHLO [127.0.0.12]\nMAIL FROM:<load@example.net>\nRCPT TO:<load@example.org>\n", mail.Envelope));
        Assert.Equal(0, summary.Attempted);
    }

    [Fact]
    public void The_message_names_its_id_in_header_and_body_and_ends_with_a_dot()
    {
        var text = Encoding.ASCII.GetString(Delivery.Message("r1-7", new DateTimeOffset(2026, 3, 1, 9, 5, 0, TimeSpan.FromHours(2))));
        var parts = text.Split("\r\n\r\n");
        Assert.Contains("X-Load-Id: r1-7\r\n", parts[0] + "\r\n", StringComparison.Ordinal);
        Assert.StartsWith("Date: Sun, 01 Mar 2026 07:05:00 +0000\r\n", parts[0], StringComparison.Ordinal);
        Assert.Equal("This is message r1-7.\r\n.\r\n", parts[1]);
        Assert.DoesNotContain("\n", text.Replace("\r\n", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_is_accepted_although_the_server_dies_before_quit()
    {
        var summary = await DeliverAsync(MailServer(closesAfterAccepting: true));
        Assert.Equal((10, 0), (summary.Mail.Accepted, summary.Mail.Failed));
        Assert.Equal(10, (await File.ReadAllLinesAsync(_log)).Length);
    }

    [Fact]
    public async Task A_message_whose_250_is_lost_is_not_accepted_but_uncertain()
    {
        var summary = await DeliverAsync(MailServer(client =>
        {
            client.Reset();
            return Task.FromResult(false);
        }));
        Assert.Equal((0, 10, 10), (summary.Mail.Accepted, summary.Mail.Failed, summary.Mail.Uncertain));
        Assert.Equal(10, summary.Mail.FailedByReason["reset"]);
        Assert.Empty(await File.ReadAllLinesAsync(_log));
    }

    [Fact]
    public async Task A_message_refused_after_data_is_certainly_not_kept()
    {
        var summary = await DeliverAsync(MailServer(async client =>
        {
            await client.SayAsync("452 disk full\r\n");
            return false;
        }));
        Assert.Equal((10, 0), (summary.Mail.FailedByReason["bad-reply"], summary.Mail.Uncertain));
        Assert.Contains("452 disk full", summary.FirstFailures[0].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recipient_refused_is_named_and_not_tried_again()
    {
        var summary = await DeliverAsync(MailServer(rcpt: "450 later"));
        Assert.Equal((10, 10), (summary.Mail.Attempted, summary.Mail.Failed));
        Assert.Contains("RCPT TO:<load@example.org> was answered: 450 later", summary.FirstFailures[0].Detail, StringComparison.Ordinal);
        Assert.Empty(_mailbox);
    }

    [Fact]
    public async Task A_server_that_never_answers_the_message_leaves_it_uncertain()
    {
        var summary = await DeliverAsync(MailServer(async _ =>
        {
            await Task.Delay(5000);
            return false;
        }));
        Assert.Equal((10, 10), (summary.Mail.FailedByReason["dialog-timeout"], summary.Mail.Uncertain));
    }
}
