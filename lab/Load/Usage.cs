namespace MigrationDashboard.Load;

/// <summary>What <c>--help</c> prints.</summary>
internal static class Usage
{
    public const string Text = """
        MigrationDashboard.Load: calls servers at a fixed rate and asks each which source address it sees.

        usage: MigrationDashboard.Load --target HOST:PORT[/tcp|/udp|/smtp|/dns] [--target …] (--rate N | --sessions N | --mail-rate N) [options]

          --target HOST:PORT[/KIND]  whom to call, in turn; repeat it. KIND: tcp (default), smtp (the same dialog; takes mail too), udp,
                                     dns (a query for A q1.198-51-100-9.lab.test, with the client's address in it, asked again every 2 s).
                                     IPv6: [2001:db8::1]:25. A host name is looked up once, when the run begins.
          --from RANGE               source addresses, in turn; repeat it. ADDRESS, FIRST-LAST or ADDRESS/PREFIX (without the network,
                                     broadcast and anycast addresses). Without it the kernel chooses.
          --rate N                   new connections a second in all, by the clock: slow answers never slow it, late slots are made up for
          --duration S               when new connections end (default 600, at most 86400)
          --count N                  at most N new connections and at most N messages
          --connect-timeout S        for a connection to be established (default 30: a held SYN must survive)
          --timeout S                for the dialog after that (default 30)
          --sessions N               N long-lived connections over the targets that are not udp or dns, opened at the start
          --session-interval S       from one question of a session to its next (default 1)
          --mail-rate N              messages a second to the targets of kind smtp; each is tried once
          --mail-log FILE            gets the id of each accepted message, one a line, written at once
          --run ID                   name of the run; a message's id is ID-NUMBER (default: the time and the process id)
          --stop-file FILE           as soon as FILE is there: nothing new, finish what is under way, print the summary.
                                     SIGTERM and SIGINT do the same; a signal while finishing waits for nothing more.
          --progress                 one JSON line a second on standard error
          --help                     this text

        Standard output gets one JSON object. attempted = ok + failed + wrong_source. A connection whose server saw another address is
        counted as wrong_source only, however it went on. by_second counts a connection in the second it was due. Times are in
        milliseconds; percentiles come from a histogram: never too low, at most 0.1 % too high; max is exact.
        Exit code: 0 when the summary was printed, whatever it says; 2 for wrong arguments; 1 when this program itself failed.
        """;
}
