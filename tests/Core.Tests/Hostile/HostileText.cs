using FsCheck;
using FsCheck.Fluent;

namespace MigrationDashboard.Core.Tests.Hostile;

/// <summary>Texts that somebody would type to have them run as code on a host, or to break what reads them. The code they try to run only makes a file.</summary>
internal static class HostileText
{
    /// <summary>The file that must never come to be.</summary>
    public const string Trap = "trapped";

    private static readonly string[] Code =
    [
        $"$(touch {Trap})", $"`touch {Trap}`", $"; touch {Trap} ;", $"\ntouch {Trap}\n", $"' ; touch {Trap} ; '", $"\" ; touch {Trap} ; \"", $"& touch {Trap} &", $"| touch {Trap} |", $">{Trap}", $"$(>{Trap})",
        $"${{x:-$(touch {Trap})}}", $"\\$(touch {Trap})", $"'\\''$(touch {Trap})", $"\nEND\ntouch {Trap}\n", $"}}\ntouch {Trap}\n{{", $"\r\ntouch {Trap}\r\n", $"#\ntouch {Trap}", $"!touch {Trap}", $"%0atouch {Trap}", $"\u2028touch {Trap}",
    ];

    private static readonly string[] Odd =
    [
        "", " ", "\t", "\n", "\r", "\0", "\u0001", "\u007f", "\u001b[2J", "'", "\"", "\\", "`", "$", "$$", "$0", "${IFS}", "*", "?", "[a]", "~", "~root", "#", "!", "%s", "%n", "{}", "{a,b}", "-", "--", "-rf", "--help", "-oProxyCommand=x",
        "..", ".", "/", "//", "/../", "/.", ":", "::", "@", "=", ",", ";", "&", "|", "<", ">", "(", ")", "END", "EOF", "é", "漢", "\u00a0", "\u200b", "\u202e", "\ud83d\ude00", "\ud800", "\ufeff", "0x1f", "1e3", "٣", "-1", "99999", "65536", "0", "NaN",
    ];

    private static readonly string[] Plain = ["mail", "nginx", "eth1", "25", "587", "53/udp", "10.77.0.1/24", "fd77::1/64", "example.org", "/srv/app", "/etc/app", "a", "b-c", "d_e", "f.g", "service"];

    /// <summary>Between one and six pieces of code, oddities and ordinary words, one after the other.</summary>
    public static Gen<string> Texts { get; } =
        from count in Gen.Choose(1, 6)
        from pieces in Gen.Frequency((3, Gen.Elements(Code)), (4, Gen.Elements(Odd)), (3, Gen.Elements(Plain)), (1, ArbMap.Default.GeneratorFor<string>().Select(text => text ?? ""))).ListOf(count)
        select string.Concat(pieces);

    /// <summary>Begins as a value of the field would, so that more than the first character is judged.</summary>
    public static Gen<string> After(string good) => Gen.OneOf(Texts, Texts.Select(text => good + text), Texts.Select(text => text + good), Gen.Constant(good));
}
