using System.Globalization;

namespace MigrationDashboard.Core.Network;

/// <summary>
/// A value in a field of the 32-bit packet and connection mark. Other software keeps its own bits there, so a mark is always set as
/// <c>(mark &amp; ~mask) | value</c> and compared under the mask.
/// </summary>
/// <param name="Value">The value, already shifted into the field; never zero.</param>
/// <param name="Mask">The field's bits.</param>
public sealed record ConnectionMark(uint Value, uint Mask)
{
    public string ValueHex => Hex(Value);

    public string MaskHex => Hex(Mask);

    /// <summary>All bits but the field's: what is kept of a mark when ours is put in.</summary>
    public string KeepHex => Hex(~Mask);

    public override string ToString() => $"{ValueHex}/{MaskHex}";

    internal static string Hex(uint bits) => "0x" + bits.ToString("x8", CultureInfo.InvariantCulture);
}
