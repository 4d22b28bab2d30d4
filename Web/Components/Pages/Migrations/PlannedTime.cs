using MigrationDashboard.Core;

namespace MigrationDashboard.Web.Components.Pages.Migrations;

/// <summary>A window as somebody chose it: nothing in it has been checked.</summary>
/// <param name="Zone">IANA name of the zone that dates and times are in.</param>
public sealed record PlannedWindow(DateOnly? Date, TimeOnly? Time, string Zone, DateOnly? CloseDate = null, TimeOnly? CloseTime = null)
{
    /// <summary>Today in the zone, with no time chosen yet.</summary>
    public static PlannedWindow Suggested(DateTimeOffset now, TimeZoneInfo zone) =>
        new(DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(now.AddHours(1), zone).DateTime), null, zone.Id);

    /// <exception cref="InvalidInputException">With every field that is wrong.</exception>
    public (DateTimeOffset Opens, DateTimeOffset? Closes) Parse(DateTimeOffset now)
    {
        var errors = new List<FieldError>();
        var opens = Try(Date, Time, "notBefore");
        var closes = Try(CloseDate, CloseTime, "notAfter");
        if (errors.Count == 0 && opens is null)
            errors.Add(new("notBefore", "give the date and the time"));
        if (opens < now - TimeSpan.FromMinutes(1))
            errors.Add(new("notBefore", "this time is over already: choose a later one"));
        if (closes <= opens)
            errors.Add(new("notAfter", "the window closes before it opens: choose a later end, or none"));
        return errors.Count > 0 ? throw new InvalidInputException(errors) : (opens!.Value, closes);

        DateTimeOffset? Try(DateOnly? date, TimeOnly? time, string field)
        {
            try
            {
                return PlannedTime.Of(date, time, Zone, field);
            }
            catch (InvalidInputException error)
            {
                errors.AddRange(error.Errors.Where(one => !errors.Contains(one)));
                return null;
            }
        }
    }
}

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
