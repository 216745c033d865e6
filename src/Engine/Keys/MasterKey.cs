using System.Security.Cryptography;

namespace BackupPlatform.Engine;

/// <summary>
/// The 32 random bytes from which every key of a protected machine derives. They lie in memory that the collector does not
/// move, and are overwritten on disposal.
/// </summary>
public sealed class MasterKey : IDisposable
{
    /// <summary>Bytes of a master key.</summary>
    public const int Size = 32;

    private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(Size, pinned: true);
    private bool _disposed;

    private MasterKey()
    {
    }

    /// <summary>A new key, as at a machine's registration.</summary>
    public static MasterKey Generate()
    {
        var key = new MasterKey();
        RandomNumberGenerator.Fill(key._bytes);
        return key;
    }

    /// <summary>Takes a key from where the machine itself keeps it; the caller overwrites its own copy.</summary>
    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    public static MasterKey Import(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException($"A master key has {Size} bytes, not {bytes.Length}.", nameof(bytes));
        var key = new MasterKey();
        bytes.CopyTo(key._bytes);
        return key;
    }

    /// <summary>The key itself, for the machine's own guarded storage; whoever has it reads every recovery point.</summary>
    public ReadOnlySpan<byte> Bytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _bytes;
        }
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_bytes);
        _disposed = true;
    }
}
