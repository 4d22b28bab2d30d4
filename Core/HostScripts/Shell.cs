namespace MigrationDashboard.Core.HostScripts;

/// <summary>The one place where a value becomes a word of a shell command.</summary>
public static class Shell
{
    /// <summary>One word of POSIX sh that stands for exactly this text (XCU 2.2.2: single quotes keep every character but the single quote).</summary>
    /// <exception cref="InvalidInputException">The text holds a NUL, which no argument of a process can.</exception>
    public static string Quote(string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
            throw new InvalidInputException("text", "a NUL character cannot be passed to a command");
        return text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-' or ':' or ',' or '=' or '@' or '%' or '+')
            ? text
            : "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
    }

    /// <summary>A command line of several words, each quoted.</summary>
    public static string Words(params IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    /// <summary>A shell function that prints a text unchanged, whatever the text holds: a here-document whose delimiter does not occur in it.</summary>
    public static string Function(string name, string text)
    {
        if (text.Length == 0)
            return $"{name}() {{ :; }}\n";

        // Dash (0.5.12) loses bytes of a line that begins like the delimiter and goes on with a character beyond ASCII: so no line does.
        var beginnings = text.Split('\n').Where(line => line.Length > 0).Select(line => line[0]).ToHashSet();
        var delimiter = "EABCDFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".FirstOrDefault(letter => !beginnings.Contains(letter), 'E') + "ND";
        while (text.Contains(delimiter, StringComparison.Ordinal))
            delimiter += "_" + text.Length.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
        return $"{name}() {{ cat <<'{delimiter}'\n{(text.EndsWith('\n') ? text : text + "\n")}{delimiter}\n}}\n";
    }
}
