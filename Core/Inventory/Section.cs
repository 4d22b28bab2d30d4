using System.Globalization;

namespace MigrationDashboard.Core.Inventory;

/// <summary>What one part of the reading gave.</summary>
/// <param name="Exit">Exit code of the command; 127 when the host has no such command.</param>
/// <param name="Truncated">More was printed than is kept: nothing may be concluded from what is missing.</param>
public sealed record Section(string Name, int Exit, ValueList<string> Lines, ValueList<string> Errors, bool Truncated = false)
{
    public bool IsAbsent => Exit == 127;

    public bool IsGood => Exit == 0 && !Truncated;

    /// <summary>For messages: the last words of the command that failed.</summary>
    public string Reason => Errors.Count > 0 ? Errors[^1] : string.Create(CultureInfo.InvariantCulture, $"exit code {Exit}");
}

/// <summary>The output of <c>inventory.sh</c>, cut at its marks. Every line of a section begins with a space, so none can pass for a mark.</summary>
public static class Sections
{
    /// <exception cref="FormatException">The output does not end with the script's last line: it was cut off.</exception>
    public static IReadOnlyDictionary<string, Section> Split(string output)
    {
        var sections = new Dictionary<string, Section>(StringComparer.Ordinal);
        var (name, exit) = ("", 0);
        var (lines, errors) = (new List<string>(), new List<string>());
        foreach (var line in output.Split('\n'))
        {
            if (line.StartsWith(' '))
                lines.Add(line[1..]);
            else if (line.StartsWith('!'))
                errors.Add(line[1..]);
            else if (line.StartsWith("@ ", StringComparison.Ordinal))
            {
                var words = line.Split(' ');
                if (words is ["@", _, "truncated"])
                {
                    if (name == words[1])
                        exit = exit == 0 ? Cut : exit;
                    continue;
                }

                Close();
                if (words is not ["@", _, _] || !int.TryParse(words[2], NumberStyles.Integer, CultureInfo.InvariantCulture, out exit))
                    throw new FormatException($"A section of the reading has no exit code: “{line}”.");
                name = words[1];
            }
        }

        Close();
        if (!sections.ContainsKey("end"))
            throw new FormatException("The reading of the host was cut off before its end.");
        return sections;

        void Close()
        {
            if (name.Length > 0)
                sections[name] = new(name, exit == Cut ? 0 : exit, lines.ToValueList(), errors.ToValueList(), exit == Cut);
            lines.Clear();
            errors.Clear();
        }
    }

    /// <summary>Stands for exit code 0 of a section that was cut: no command ends with it (exit codes are 0 to 255).</summary>
    private const int Cut = -1;
}
