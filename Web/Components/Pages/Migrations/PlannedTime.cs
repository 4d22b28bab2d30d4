using MigrationDashboard.Core;

namespace MigrationDashboard.Web.Components.Pages.Migrations;

/// <summary>A date and a time as somebody chose them, in a zone.</summary>
public static class PlannedTime
{
    /// <returns>Null when date and time are both empty.</returns>
    /// <exception cref="InvalidInputException">There is no such time in this zone.</exception>
    public static DateTimeOffset? Of(DateOnly? date, TimeOnly? time, string zone, string field)
    {
        if (date is null && time is null)
            return null;
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var known))
            throw new InvalidInputException("timeZone", $"“{zone}” is no time zone: use an IANA name such as Europe/Berlin");
        if (date is not { } day)
            throw new InvalidInputException(field, "give the date too");
        if (time is not { } clock)
            throw new InvalidInputException(field, "give the time too");
        var local = day.ToDateTime(clock);
        if (known.IsInvalidTime(local))
            throw new InvalidInputException(field, $"{local:HH:mm} does not exist on that day in {zone}: the clocks are put forward");

        // A time that comes twice, when clocks are put back: the first one.
        var offset = known.IsAmbiguousTime(local) ? known.GetAmbiguousTimeOffsets(local).Max() : known.GetUtcOffset(local);
        return new DateTimeOffset(local, offset).ToUniversalTime();
    }
}
