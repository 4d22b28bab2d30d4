namespace MigrationDashboard.Load.Tests;

public sealed class LatencyHistogramTests
{
    private static TimeSpan Micros(long micros) => TimeSpan.FromMicroseconds(micros);

    [Fact]
    public void Percentiles_below_two_milliseconds_are_exact_by_nearest_rank()
    {
        var histogram = new LatencyHistogram();
        for (var micros = 100; micros >= 1; micros--)
            histogram.Record(Micros(micros));
        Assert.Equal(Micros(50), histogram.Percentile(0.50));
        Assert.Equal(Micros(99), histogram.Percentile(0.99));
        Assert.Equal(Micros(100), histogram.Percentile(1));
        Assert.Equal(Micros(1), histogram.Percentile(0.001));
    }

    [Fact]
    public void A_percentile_is_never_too_low_and_at_most_a_thousandth_too_high()
    {
        for (var micros = 1L; micros < 2_000_000_000; micros += 1 + micros / 37)
        {
            var histogram = new LatencyHistogram();
            histogram.Record(Micros(micros));
            histogram.Record(Micros(2_100_000_000));
            Assert.InRange(histogram.Percentile(0.5), Micros(micros), Micros(micros + micros / 1000));
        }
    }

    [Fact]
    public void The_same_percentiles_come_out_as_from_sorted_values()
    {
        var random = new Random(7);
        var histogram = new LatencyHistogram();
        var values = new long[20_000];
        for (var i = 0; i < values.Length; i++)
            histogram.Record(Micros(values[i] = (long)Math.Exp(random.NextDouble() * 17)));
        Array.Sort(values);
        foreach (var share in new[] { 0.01, 0.5, 0.9, 0.99, 0.999 })
        {
            var exact = values[(int)Math.Ceiling(share * values.Length) - 1];
            Assert.InRange(histogram.Percentile(share), Micros(exact), Micros(exact + exact / 1000 + 1));
        }
    }

    [Fact]
    public void The_largest_value_is_exact_and_no_percentile_passes_it()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(Micros(1_234_567));
        Assert.Equal(Micros(1_234_567), histogram.Max);
        Assert.Equal(Micros(1_234_567), histogram.Percentile(0.99));
    }

    [Fact]
    public void Values_beyond_its_end_are_still_counted()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(TimeSpan.FromHours(2));
        Assert.Equal(1, histogram.Count);
        Assert.Equal(TimeSpan.FromHours(2), histogram.Max);
    }

    [Fact]
    public void Without_values_there_are_no_percentiles()
    {
        Assert.Equal(new Latencies(null, null, null), Latencies.Of(new LatencyHistogram()));
        Assert.Equal(TimeSpan.Zero, new LatencyHistogram().Percentile(0.5));
    }
}
