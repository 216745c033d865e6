using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;
using NSec.Cryptography;

namespace BackupPlatform.Engine;

/// <summary>
/// A machine's master key, wrapped under its passphrase: what the server keeps so that another machine can restore.
/// Unwrapping it is the only check of a passphrase there is, and it happens on the machine. See FORMAT.md for the bytes.
/// </summary>
public sealed class KeyHeader
{
    /// <summary>Bytes of a key header.</summary>
    public const int Size = ChecksumAt + sizeof(ulong);

    /// <summary>Argon2id memory at least, in KiB: less is refused, also from a server.</summary>
    public const int MinMemoryKiB = 64 * 1024;

    /// <summary>Argon2id memory at most, in KiB: more would be an attack on the machine that restores.</summary>
    public const int MaxMemoryKiB = 1024 * 1024;

    /// <summary>Argon2id passes at least.</summary>
    public const int MinPasses = 3;

    /// <summary>Argon2id passes at most.</summary>
    public const int MaxPasses = 32;

    private const byte Argon2idVersion13 = 1;
    private const int KdfAt = 8;
    private const int MemoryAt = 12;
    private const int PassesAt = 16;
    private const int ParallelismAt = 20;
    private const int SaltAt = 24;
    private const int SaltSize = 16;
    private const int CommitmentAt = SaltAt + SaltSize;
    private const int CommitmentSize = 32;
    private const int NonceAt = CommitmentAt + CommitmentSize;
    private const int NonceSize = 12;
    private const int WrappedAt = NonceAt + NonceSize;
    private const int TagAt = WrappedAt + MasterKey.Size;
    private const int TagSize = 16;
    private const int ChecksumAt = TagAt + TagSize;

    private readonly byte[] _bytes;

    private KeyHeader(byte[] bytes) => _bytes = bytes;

    private static ReadOnlySpan<byte> Magic => "BPKEYHD\x01"u8;
    private static ReadOnlySpan<byte> Label => "backup-platform key header v1"u8;

    private int MemoryKiB => (int)BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(MemoryAt));

    private int Passes => (int)BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(PassesAt));

    /// <summary>Wraps a master key under a passphrase; at registration, and again when the passphrase changes.</summary>
    /// <exception cref="ArgumentException">The passphrase is none (see <see cref="Passphrase.Validate"/>).</exception>
    public static KeyHeader Create(MasterKey masterKey, string passphrase, Guid machineId)
    {
        Span<byte> random = stackalloc byte[SaltSize + NonceSize];
        RandomNumberGenerator.Fill(random);
        return Create(masterKey, passphrase, machineId, random[..SaltSize], random[SaltSize..], MinMemoryKiB, MinPasses);
    }

    /// <summary>With the random parts and the cost given, which is for tests.</summary>
    internal static KeyHeader Create(
        MasterKey masterKey, string passphrase, Guid machineId, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> nonce, int memoryKiB, int passes)
    {
        if (Passphrase.Validate(passphrase) is { } fault) throw new ArgumentException(fault, nameof(passphrase));
        var header = new KeyHeader(new byte[Size]);
        var bytes = header._bytes.AsSpan();
        Magic.CopyTo(bytes);
        bytes[KdfAt] = Argon2idVersion13;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[MemoryAt..], (uint)memoryKiB);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[PassesAt..], (uint)passes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[ParallelismAt..], 1);
        salt.CopyTo(bytes[SaltAt..]);
        nonce.CopyTo(bytes[NonceAt..]);

        Span<byte> derived = stackalloc byte[32 + CommitmentSize];
        header.Derive(passphrase, derived);
        derived[32..].CopyTo(bytes[CommitmentAt..]);
        using (var aes = new AesGcm(derived[..32], TagSize))
        {
            aes.Encrypt(nonce, masterKey.Bytes, bytes.Slice(WrappedAt, MasterKey.Size), bytes.Slice(TagAt, TagSize), header.Aad(machineId));
        }
        CryptographicOperations.ZeroMemory(derived);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[ChecksumAt..], XxHash3.HashToUInt64(bytes[..ChecksumAt]));
        return header;
    }

    /// <summary>Reads a key header, without a passphrase yet.</summary>
    /// <exception cref="DamagedDataException">It is not what was written, or asks for a weak or an absurd derivation.</exception>
    /// <exception cref="UnsupportedFormatException">It is of a newer format.</exception>
    public static KeyHeader Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Magic.Length || !bytes.StartsWith(Magic[..^1])) throw Damaged("is no key header");
        if (bytes[Magic.Length - 1] != Magic[^1])
        {
            throw new UnsupportedFormatException($"The key header has format version {bytes[Magic.Length - 1]}; this agent reads version 1.");
        }
        if (bytes.Length != Size) throw Damaged($"has {bytes.Length} bytes instead of {Size}");
        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes[ChecksumAt..]) != XxHash3.HashToUInt64(bytes[..ChecksumAt]))
        {
            throw Damaged("does not match its checksum");
        }
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[KdfAt..]) != Argon2idVersion13)
        {
            throw new UnsupportedFormatException("The key header names a key derivation that this agent does not know.");
        }
        CheckCost(bytes);
        return new KeyHeader(bytes.ToArray());
    }

    /// <summary>The header as the server keeps it.</summary>
    public byte[] ToArray() => [.. _bytes];

    /// <summary>Unwraps the master key; takes about 0.1 s and 64 MiB, on purpose.</summary>
    /// <exception cref="WrongPassphraseException">The passphrase is another.</exception>
    /// <exception cref="DamagedDataException">The passphrase is right, but the header was changed or is another machine's.</exception>
    public MasterKey Unwrap(string passphrase, Guid machineId) =>
        TryUnwrap(passphrase, machineId, out var masterKey) ? masterKey : throw new WrongPassphraseException();

    /// <summary>Like <see cref="Unwrap"/>, but false for a wrong passphrase.</summary>
    /// <exception cref="DamagedDataException">The passphrase is right, but the header was changed or is another machine's.</exception>
    public bool TryUnwrap(string passphrase, Guid machineId, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out MasterKey? masterKey)
    {
        ArgumentNullException.ThrowIfNull(passphrase);
        masterKey = null;
        Span<byte> secrets = stackalloc byte[32 + CommitmentSize + MasterKey.Size];
        try
        {
            Derive(passphrase, secrets[..64]);
            // The commitment tells a wrong passphrase from a changed header, and makes each header open with one key only.
            if (!CryptographicOperations.FixedTimeEquals(secrets[32..64], _bytes.AsSpan(CommitmentAt, CommitmentSize))) return false;
            using var aes = new AesGcm(secrets[..32], TagSize);
            aes.Decrypt(
                _bytes.AsSpan(NonceAt, NonceSize), _bytes.AsSpan(WrappedAt, MasterKey.Size), _bytes.AsSpan(TagAt, TagSize),
                secrets[64..], Aad(machineId));
            masterKey = MasterKey.Import(secrets[64..]);
            return true;
        }
        catch (AuthenticationTagMismatchException mismatch)
        {
            throw new DamagedDataException("key header", "was changed, or is another machine's", mismatch);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secrets);
        }
    }

    private static void CheckCost(ReadOnlySpan<byte> bytes)
    {
        var memory = BinaryPrimitives.ReadUInt32LittleEndian(bytes[MemoryAt..]);
        var passes = BinaryPrimitives.ReadUInt32LittleEndian(bytes[PassesAt..]);
        var parallelism = BinaryPrimitives.ReadUInt32LittleEndian(bytes[ParallelismAt..]);
        if (memory < MinMemoryKiB || passes < MinPasses) throw Damaged("asks for a weaker key derivation than this agent allows");
        if (memory > MaxMemoryKiB || passes > MaxPasses || parallelism != 1) throw Damaged("asks for an absurd key derivation");
    }

    private void Derive(string passphrase, Span<byte> derived)
    {
        var argon2 = PasswordBasedKeyDerivationAlgorithm.Argon2id(new Argon2Parameters
        {
            DegreeOfParallelism = 1,
            MemorySize = MemoryKiB,
            NumberOfPasses = Passes,
        });
        var utf8 = Encoding.UTF8.GetBytes(passphrase);
        argon2.DeriveBytes(utf8, _bytes.AsSpan(SaltAt, SaltSize), derived);
        CryptographicOperations.ZeroMemory(utf8);
    }

    private byte[] Aad(Guid machineId)
    {
        var aad = new byte[Label.Length + 16 + NonceAt];
        Label.CopyTo(aad);
        machineId.TryWriteBytes(aad.AsSpan(Label.Length), bigEndian: true, out _);
        _bytes.AsSpan(0, NonceAt).CopyTo(aad.AsSpan(Label.Length + 16));
        return aad;
    }

    private static DamagedDataException Damaged(string why) => new("key header", why);
}
