using System.Buffers.Binary;
using System.Security.Cryptography;
using BackupPlatform.Formats;
using ZstdNet;

namespace BackupPlatform.Engine;

/// <summary>
/// Turns a chunk's plaintext into the sealed bytes that leave the machine, and back: compressed, then encrypted and bound
/// to the machine, the kind and the id. Keeps its buffers and codecs, so an instance is for one thread at a time.
/// </summary>
public sealed class ChunkSealer : IDisposable
{
    /// <summary>A chunk's greatest length before compression, in bytes.</summary>
    public const int MaxPlainLength = SegmentFormat.MaxPlainChunkBytes;

    /// <summary>What sealing adds at most: nonce, codec, length and tag.</summary>
    public const int Overhead = NonceSize + BodyHeadSize + TagSize;

    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int KeySize = 32;
    private const int BodyHeadSize = 1 + sizeof(uint);
    private const byte CodecNone = 0;
    private const byte CodecZstd = 1;
    private const int ZstdLevel = 3;

    private readonly KeyRing _keys;
    private readonly CompressionOptions _options = new(ZstdLevel);
    private readonly Compressor _compressor;
    private readonly Decompressor _decompressor = new();
    private readonly byte[] _aad;
    private byte[] _body = [];

    /// <summary>A sealer with the keys of one machine, which stay the caller's.</summary>
    public ChunkSealer(KeyRing keys)
    {
        _keys = keys;
        _compressor = new Compressor(_options);
        _aad = [.. AadLabel, 0, .. keys.MachineId.ToByteArray(bigEndian: true), .. new byte[ChunkId.Size]];
    }

    private static ReadOnlySpan<byte> AadLabel => "backup-platform chunk v1"u8;

    /// <summary>See <see cref="KeyRing.Identify"/>.</summary>
    public ChunkId Identify(ChunkKind kind, ReadOnlySpan<byte> plaintext) => _keys.Identify(kind, plaintext);

    /// <summary>Compresses and encrypts a chunk; gives the length of what it wrote.</summary>
    /// <param name="kind">What the chunk holds.</param>
    /// <param name="id">What <see cref="Identify"/> says of the plaintext.</param>
    /// <param name="plaintext">1 to <see cref="MaxPlainLength"/> bytes.</param>
    /// <param name="destination">Room for the plaintext and <see cref="Overhead"/>.</param>
    public int Seal(ChunkKind kind, ChunkId id, ReadOnlySpan<byte> plaintext, Span<byte> destination)
    {
        // Random, never from the id: the id covers the plaintext, but another zstd may compress it to other bytes.
        Span<byte> nonce = stackalloc byte[NonceSize];
        RandomNumberGenerator.Fill(nonce);
        return Seal(kind, id, plaintext, destination, nonce);
    }

    /// <summary>With the nonce given, which is for tests.</summary>
    internal int Seal(ChunkKind kind, ChunkId id, ReadOnlySpan<byte> plaintext, Span<byte> destination, ReadOnlySpan<byte> nonce)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(plaintext.Length, 1, nameof(plaintext));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(plaintext.Length, MaxPlainLength, nameof(plaintext));
        if (destination.Length < plaintext.Length + Overhead) throw new ArgumentException("There is no room for the chunk.", nameof(destination));

        var body = Compress(plaintext);
        nonce.CopyTo(destination);
        using var aes = CreateAes(kind, id);
        aes.Encrypt(
            nonce, body, destination.Slice(NonceSize, body.Length), destination.Slice(NonceSize + body.Length, TagSize), Aad(kind, id));
        return NonceSize + body.Length + TagSize;
    }

    /// <summary>Decrypts and decompresses a chunk, verifies that it is the one of that id, and gives its length.</summary>
    /// <param name="kind">What the chunk must hold.</param>
    /// <param name="id">The chunk that was asked for.</param>
    /// <param name="sealedChunk">What the server gave for it.</param>
    /// <param name="destination">Room for the plaintext; <see cref="MaxPlainLength"/> bytes always suffice.</param>
    /// <exception cref="DamagedDataException">The bytes are not that chunk.</exception>
    /// <exception cref="UnsupportedFormatException">The chunk is compressed in a way this agent does not know.</exception>
    public int Open(ChunkKind kind, ChunkId id, ReadOnlySpan<byte> sealedChunk, Span<byte> destination)
    {
        if (sealedChunk.Length is <= Overhead or > MaxPlainLength + Overhead) throw Damaged(id, "has an impossible length");
        var body = Body(sealedChunk.Length - NonceSize - TagSize);
        try
        {
            using var aes = CreateAes(kind, id);
            aes.Decrypt(sealedChunk[..NonceSize], sealedChunk[NonceSize..^TagSize], sealedChunk[^TagSize..], body, Aad(kind, id));
        }
        catch (AuthenticationTagMismatchException mismatch)
        {
            throw Damaged(id, "does not decrypt", mismatch);
        }
        var length = Decompress(id, body, destination);
        if (Identify(kind, destination[..length]) != id) throw Damaged(id, "holds other data than its id says");
        return length;
    }

    private ReadOnlySpan<byte> Compress(ReadOnlySpan<byte> plaintext)
    {
        // At the full bound, because zstd reports a result that does not fit by an exception, which is slow.
        var body = Body(BodyHeadSize + Compressor.GetCompressBound(plaintext.Length));
        BinaryPrimitives.WriteUInt32LittleEndian(body[1..], (uint)plaintext.Length);
        var compressed = _compressor.Wrap(plaintext, body[BodyHeadSize..]);
        if (compressed < plaintext.Length)
        {
            body[0] = CodecZstd;
            return body[..(BodyHeadSize + compressed)];
        }
        body[0] = CodecNone;
        plaintext.CopyTo(body[BodyHeadSize..]);
        return body[..(BodyHeadSize + plaintext.Length)];
    }

    private int Decompress(ChunkId id, ReadOnlySpan<byte> body, Span<byte> destination)
    {
        var declared = BinaryPrimitives.ReadUInt32LittleEndian(body[1..]);
        if (declared is 0 or > MaxPlainLength) throw Damaged(id, "declares an impossible length");
        var length = (int)declared;
        if (destination.Length < length) throw new ArgumentException("There is no room for the chunk.", nameof(destination));
        var content = body[BodyHeadSize..];
        switch (body[0])
        {
            case CodecNone when content.Length == length:
                content.CopyTo(destination);
                return length;
            case CodecNone:
                throw Damaged(id, "has another length than it declares");
            case CodecZstd:
                return Inflate(id, content, destination[..length]);
            default:
                throw new UnsupportedFormatException($"Chunk {id} has the codec {body[0]}, which this agent does not know.");
        }
    }

    private int Inflate(ChunkId id, ReadOnlySpan<byte> content, Span<byte> destination)
    {
        try
        {
            // Bounded by the destination, whatever the zstd frame claims.
            if (_decompressor.Unwrap(content, destination, bufferSizePrecheck: false) == destination.Length) return destination.Length;
        }
        catch (ZstdException failure)
        {
            throw Damaged(id, "does not decompress", failure);
        }
        throw Damaged(id, "has another length than it declares");
    }

    private Span<byte> Body(int length)
    {
        if (_body.Length < length) _body = new byte[Math.Max(length, _body.Length * 2)];
        return _body.AsSpan(0, length);
    }

    private AesGcm CreateAes(ChunkKind kind, ChunkId id)
    {
        Span<byte> key = stackalloc byte[KeySize];
        _keys.DeriveChunkKey(kind, id, key);
        var aes = new AesGcm(key, TagSize);
        CryptographicOperations.ZeroMemory(key);
        return aes;
    }

    private ReadOnlySpan<byte> Aad(ChunkKind kind, ChunkId id)
    {
        _aad[AadLabel.Length] = (byte)kind;
        id.CopyTo(_aad.AsSpan(_aad.Length - ChunkId.Size));
        return _aad;
    }

    private static DamagedDataException Damaged(ChunkId id, string why, Exception? inner = null) => new($"chunk {id}", why, inner);

    public void Dispose()
    {
        _compressor.Dispose();
        _options.Dispose();
        _decompressor.Dispose();
        CryptographicOperations.ZeroMemory(_body);
    }
}
