namespace MigrationDashboard.Load.Tests;

public sealed class RotationTests
{
    [Fact]
    public void Every_target_is_called_from_every_source_of_its_family()
    {
        var options = Runs.Options(
            "--target", "203.0.113.10:25", "--target", "[2001:db8::10]:25", "--target", "203.0.113.20:25", "--rate", "1",
            "--from", "198.51.100.2-198.51.100.5", "--from", "2001:db8:1::2-2001:db8:1::3");
        var rotation = new Rotation(options.Targets, options);
        var pairs = Enumerable.Range(0, 12).Select(_ => rotation.Next()).Select(pair => (pair.Target.Name, pair.Source!.ToString())).ToList();
        Assert.Equal(["203.0.113.10:25/tcp", "[2001:db8::10]:25/tcp", "203.0.113.20:25/tcp"], pairs.Take(3).Select(pair => pair.Name));
        foreach (var target in new[] { "203.0.113.10:25/tcp", "203.0.113.20:25/tcp" })
            Assert.Equal(["198.51.100.2", "198.51.100.3", "198.51.100.4", "198.51.100.5"], pairs.Where(pair => pair.Name == target).Select(pair => pair.Item2));
        Assert.Equal(
            ["2001:db8:1::2", "2001:db8:1::3", "2001:db8:1::2", "2001:db8:1::3"],
            pairs.Where(pair => pair.Name.StartsWith('[')).Select(pair => pair.Item2));
    }

    [Fact]
    public void Without_sources_the_kernel_chooses()
    {
        var options = Runs.Options("--target", "203.0.113.10:25", "--rate", "1");
        Assert.Null(new Rotation(options.Targets, options).Next().Source);
    }
}
