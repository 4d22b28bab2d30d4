using MigrationDashboard.Core.Inventory;

namespace MigrationDashboard.Core.Preflight;

/// <summary>Are these two machines?</summary>
public sealed class SameServerCheck() : PairCheck("same-server", "Two different servers")
{
    protected override IEnumerable<CheckResult> Judge(PreflightInput input, HostInventory old, HostInventory @new)
    {
        var machineId = old.System.MachineId is { } id && id == @new.System.MachineId;
        var hostKeys = old.Ssh.HostKeys.Intersect(@new.Ssh.HostKeys).Any();
        var addresses = Global(old).Intersect(Global(@new)).ToList();
        if (input.Spec.OldServer == input.Spec.NewServer || ((machineId || hostKeys) && addresses.Count > 0))
            yield return Result(null, CheckStatus.Fail, addresses.Count > 0 ? $"both have the address {addresses[0]} and the same {(machineId ? "machine id" : "host key")}" : "both are the same registered server",
                "A server cannot be migrated to itself.", "Choose another server as the new one.");
        else if (machineId || hostKeys)
            yield return Result(null, CheckStatus.Warn, $"the same {(machineId && hostKeys ? "machine id and host keys" : machineId ? "machine id" : "host keys")}, other addresses",
                "One was made as a copy of the other. SSH cannot tell them apart by their key.", hostKeys ? "Give the copy host keys of its own: ssh-keygen -A after removing /etc/ssh/ssh_host_*." : "");
        else
            yield return Result(null, CheckStatus.Pass, "machine ids and host keys differ");
    }

    /// <summary>Addresses of the public interface, with its hardware address: private ones repeat behind NAT.</summary>
    private static IEnumerable<string> Global(HostInventory host) =>
        host.Addresses.Where(address => address.Scope == "global" && address.Interface == FactsFromInventory.PublicInterface(host))
            .Select(address => $"{address.Address} ({host.Link(address.Interface)?.Mac})");
}
