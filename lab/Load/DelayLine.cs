using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MigrationDashboard.Load;

/// <summary>
/// A long way between two network interfaces of its own: what enters one leaves the other after a fixed time. For clients that are far away, on kernels
/// without netem.
/// </summary>
internal static class DelayLine
{
    // linux/if_tun.h
    private const uint SetInterface = 0x400454ca;
    private const short LayerThree = 0x0001;
    private const short NoPacketInformation = 0x1000;

    private const int NameLength = 16;
    private const int RequestLength = 40;
    private const int LongestPacket = 65_536;

    /// <summary>Packets under way in one direction; as on a real line, what does not fit is lost.</summary>
    private const int Capacity = 100_000;

    /// <param name="near">Name of the one interface, made in this process's network namespace; it may be moved to another one afterwards.</param>
    /// <param name="milliseconds">From one end to the other; a round trip takes twice as long.</param>
    /// <exception cref="IOException">An interface could not be made.</exception>
    public static int Run(string near, string far, string milliseconds)
    {
        var delay = TimeSpan.FromMilliseconds(int.Parse(milliseconds, CultureInfo.InvariantCulture));
        using var one = Open(near);
        using var other = Open(far);
        Carry(one, other, delay);
        Carry(other, one, delay);
        Thread.Sleep(Timeout.Infinite);
        return 0;
    }

    private static FileStream Open(string name)
    {
        var handle = File.OpenHandle("/dev/net/tun", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var request = new byte[RequestLength];
        Encoding.ASCII.GetBytes(name, 0, Math.Min(name.Length, NameLength - 1), request, 0);
        BitConverter.TryWriteBytes(request.AsSpan(NameLength), (short)(LayerThree | NoPacketInformation));
        return Control(handle, SetInterface, request) == 0 ? new(handle, FileAccess.ReadWrite, bufferSize: 0) : throw new IOException($"{name}: error {Marshal.GetLastPInvokeError()}");
    }

    private static void Carry(FileStream from, FileStream to, TimeSpan delay)
    {
        var way = new BlockingCollection<(long Due, byte[] Packet)>(Capacity);
        new Thread(() =>
        {
            var packet = new byte[LongestPacket];
            while (true)
            {
                var length = from.Read(packet);
                way.TryAdd((Stopwatch.GetTimestamp() + (long)(delay.TotalSeconds * Stopwatch.Frequency), packet[..length]));
            }
        })
        { IsBackground = true }.Start();
        new Thread(() =>
        {
            foreach (var (due, packet) in way.GetConsumingEnumerable())
            {
                if (Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due) is var left && left > TimeSpan.Zero)
                    Thread.Sleep(left);
                try
                {
                    to.Write(packet);
                }
                catch (IOException)
                {
                    // That interface is down: the packet is lost.
                }
            }
        })
        { IsBackground = true }.Start();
    }

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static extern int Control(SafeFileHandle file, ulong request, byte[] argument);
}
