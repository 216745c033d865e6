using System.Runtime.InteropServices;

namespace BackupPlatform.Agent.Files;

/// <summary>A name as the system takes it: followed by a zero byte, at a place that does not move.</summary>
internal readonly unsafe ref struct NativePath
{
    public NativePath(ReadOnlySpan<byte> name)
    {
        if (name.Contains((byte)0))
        {
            throw new ArgumentException("A name cannot hold a zero byte.", nameof(name));
        }

        Pointer = (byte*)NativeMemory.Alloc((nuint)name.Length + 1);
        name.CopyTo(new Span<byte>(Pointer, name.Length));
        Pointer[name.Length] = 0;
    }

    public byte* Pointer { get; }

    public void Dispose() => NativeMemory.Free(Pointer);
}
