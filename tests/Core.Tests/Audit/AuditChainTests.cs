using FsCheck;
using FsCheck.Fluent;
using MigrationDashboard.Core.Audit;
using Xunit;

namespace MigrationDashboard.Core.Tests.Audit;

public sealed class AuditChainTests
{
    private static readonly AuditEvent Example = new()
    {
        At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        Actor = "anna",
        FromAddress = "192.0.2.7",
        Action = "stage.apply",
        MigrationId = Guid.Parse("0198a000-0000-7000-8000-000000000001"),
        Host = "old.example.org",
        Command = "nft -f -",
        ExitCode = 0,
        DurationMs = 12,
        Outcome = AuditOutcome.Ok,
        Detail = "done",
    };

    /// <summary>Every way to change one entry, each by field.</summary>
    private static readonly Func<AuditEntry, AuditEntry>[] Changes =
    [
        entry => entry with { At = entry.At.AddMicroseconds(1) },
        entry => entry with { Actor = entry.Actor + "x" },
        entry => entry with { FromAddress = entry.FromAddress is null ? "" : null },
        entry => entry with { Action = entry.Action + ".x" },
        entry => entry with { MigrationId = entry.MigrationId is null ? Guid.Empty : null },
        entry => entry with { Host = entry.Host is null ? "" : entry.Host + " " },
        entry => entry with { Command = entry.Command is null ? "" : null },
        entry => entry with { ExitCode = entry.ExitCode is null ? 0 : entry.ExitCode + 1 },
        entry => entry with { DurationMs = entry.DurationMs is null ? 0 : null },
        entry => entry with { Outcome = entry.Outcome == AuditOutcome.Ok ? AuditOutcome.Failed : AuditOutcome.Ok },
        entry => entry with { Detail = entry.Detail + "\n" },
        entry => entry with { Sequence = entry.Sequence + 1 },
        entry => entry with { PreviousHash = Flip(entry.PreviousHash) },
        entry => entry with { Hash = Flip(entry.Hash) },
    ];

    private static readonly Arbitrary<AuditEvent[]> Events = Arb.From(
        (from actor in Text()
         from address in Optional()
         from host in Optional()
         from command in Optional()
         from detail in Text()
         from exit in Gen.OneOf(Gen.Constant<int?>(null), Gen.Choose(-1, 255).Select(value => (int?)value))
         from duration in Gen.OneOf(Gen.Constant<long?>(null), Gen.Choose(0, 100_000).Select(value => (long?)value))
         from outcome in Gen.Elements(Enum.GetValues<AuditOutcome>())
         from ticks in Gen.Choose(0, int.MaxValue)
         select Example with
         {
             Actor = actor, FromAddress = address, Host = host, Command = command, Detail = detail, ExitCode = exit, DurationMs = duration, Outcome = outcome,
             At = Example.At.AddTicks(ticks), MigrationId = exit is null ? null : Example.MigrationId,
         }).NonEmptyListOf().Select(list => list.ToArray()));

    [Fact]
    public void A_chain_that_was_left_alone_holds() => Prop.ForAll(Events, events =>
    {
        var verification = Verify(Chain(events), Chain(events)[^1]);
        return verification.Broken is null && verification.Checked == events.Length;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_change_of_any_field_is_found_at_its_entry() => Prop.ForAll(Events, Gen.Choose(0, 1000).ToArbitrary(), (events, choice) =>
    {
        var chain = Chain(events);
        var place = choice % chain.Length;
        return Changes.All(change =>
        {
            var changed = chain.ToArray();
            changed[place] = change(changed[place]);
            return Verify(changed, chain[^1]).Broken?.Sequence == place + 1;
        });
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_change_whose_hash_was_made_to_match_is_found_at_the_next_entry_or_at_the_end() => Prop.ForAll(Events, Gen.Choose(0, 1000).ToArbitrary(), (events, choice) =>
    {
        var chain = Chain(events);
        var place = choice % chain.Length;
        var changed = chain.ToArray();
        changed[place] = changed[place] with { Detail = "nothing happened" + changed[place].Detail };
        changed[place] = changed[place] with { Hash = AuditChain.HashOf(changed[place]) };
        return Verify(changed, chain[^1]).Broken?.Sequence == Math.Min(place + 2, chain.Length);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Removing_or_swapping_entries_is_found() => Prop.ForAll(Events, Gen.Choose(0, 1000).ToArbitrary(), (events, choice) =>
    {
        var chain = Chain([Example, .. events]);
        var place = choice % (chain.Length - 1);
        var removed = chain.Where((_, index) => index != place).ToArray();
        var swapped = chain.ToArray();
        (swapped[place], swapped[place + 1]) = (swapped[place + 1], swapped[place]);
        return Verify(removed, chain[^1]).Broken?.Sequence == place + 1
            && Verify(swapped, chain[^1]).Broken?.Sequence == place + 1
            && Verify(chain[..^1], chain[^1]).Broken?.Sequence == chain.Length;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Fields_cannot_run_into_each_other()
    {
        var one = AuditChain.Link(Example with { Host = "ab", Command = "c" }, 0, AuditChain.Genesis);
        var other = AuditChain.Link(Example with { Host = "a", Command = "bc" }, 0, AuditChain.Genesis);
        var absent = AuditChain.Link(Example with { Host = null, Command = "abc" }, 0, AuditChain.Genesis);
        var empty = AuditChain.Link(Example with { Host = "", Command = "abc" }, 0, AuditChain.Genesis);

        Assert.Equal(4, new[] { one.Hash, other.Hash, absent.Hash, empty.Hash }.Distinct().Count());
    }

    // Computed from the description in AuditChain by another program (Python's hashlib and struct).
    [Fact]
    public void The_hash_of_an_entry_stays_what_it_was_when_logs_were_written() =>
        Assert.Equal("2429fdf7b874b55652db599b14eca2954e5c0785845bc5411ceecba10d7ad0fb", AuditChain.Link(Example, 0, AuditChain.Genesis).Hash);

    [Fact]
    public void What_the_database_could_not_give_back_is_replaced_before_the_hash_is_made()
    {
        var entry = AuditChain.Link(Example with { At = Example.At.AddTicks(7), Actor = "a\0b", Detail = "half \uD83D and whole 😀" }, 0, AuditChain.Genesis);

        Assert.Equal((Example.At, "a␀b", "half \uFFFD and whole 😀"), (entry.At, entry.Actor, entry.Detail));
    }

    [Fact]
    public void Output_beyond_the_limit_is_cut_and_says_how_much_is_missing()
    {
        var entry = AuditChain.Link(Example with { Detail = new string('x', AuditChain.MostDetail + 5) }, 0, AuditChain.Genesis);

        Assert.EndsWith("x\n… (65 more characters)", entry.Detail, StringComparison.Ordinal);
        Assert.True(entry.Detail.Length <= AuditChain.MostDetail);
        Assert.Equal(entry, AuditChain.Link(entry, 0, AuditChain.Genesis));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Stage.Apply")]
    [InlineData("stage..apply")]
    [InlineData("stage apply")]
    [InlineData("stage.apply\n")]
    public void An_action_that_is_no_dotted_term_is_refused(string action) =>
        Assert.Throws<ArgumentException>(() => AuditChain.Link(Example with { Action = action }, 0, AuditChain.Genesis));

    private static Gen<string> Text() => Gen.Elements("", "a", "it's", "line\nbreak", "ü€", "𝄞", "0", " ", "\0", "\uD800").ListOf().Select(string.Concat);

    private static Gen<string?> Optional() => Gen.OneOf(Gen.Constant<string?>(null), Text().Select(text => (string?)text));

    private static AuditEntry[] Chain(IEnumerable<AuditEvent> events)
    {
        var chain = new List<AuditEntry>();
        foreach (var one in events)
            chain.Add(AuditChain.Link(one, chain.Count, chain.Count == 0 ? AuditChain.Genesis : chain[^1].Hash));
        return [.. chain];
    }

    private static AuditVerification Verify(AuditEntry[] entries, AuditEntry last)
    {
        var verification = new AuditVerification();
        foreach (var entry in entries)
            verification.Next(entry);
        verification.End(last.Sequence, last.Hash);
        return verification;
    }

    private static string Flip(string hash) => (hash[0] == '0' ? '1' : '0') + hash[1..];
}
