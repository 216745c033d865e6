using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace BackupPlatform.Storage.Cloud;

/// <summary>A blob being staged in blocks; one that fits a block is sent in one call at commit.</summary>
internal sealed class AzureUpload(BlockBlobClient blob) : BlobUpload
{
    // 50,000 blocks are allowed: 200 GiB a blob, and packs have 32 MiB.
    private const int BlockLength = 4 << 20;
    private const string OwnerKey = "upload";

    private readonly byte[] _owner = RandomNumberGenerator.GetBytes(16);
    private readonly List<string> _blocks = [];
    private byte[]? _buffer;
    private int _buffered;

    private BlobRequestConditions OnlyNew { get; } = new() { IfNoneMatch = ETag.All };

    private Dictionary<string, string> Metadata => new() { [OwnerKey] = Convert.ToHexStringLower(_owner) };

    protected override async ValueTask WriteCoreAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (!bytes.IsEmpty)
        {
            // Staged only when more follows: a blob of one block needs one call.
            if (_buffered == BlockLength) await StageAsync(cancellationToken);
            _buffer ??= ArrayPool<byte>.Shared.Rent(BlockLength);
            int taken = Math.Min(bytes.Length, BlockLength - _buffered);
            bytes[..taken].CopyTo(_buffer.AsMemory(_buffered));
            _buffered += taken;
            bytes = bytes[taken..];
        }
    }

    protected override async ValueTask CommitCoreAsync(CancellationToken cancellationToken)
    {
        // Azurite 3.37 takes a name with blocks that nobody committed for an existing blob when a whole one is put there, but not when
        // a block list is committed: so the second way follows when the first finds no blob after all.
        if (_blocks.Count == 0 && await SettledAsync(PutWholeAsync, cancellationToken)) return;
        await StageAsync(cancellationToken);
        if (await SettledAsync(PutBlockListAsync, cancellationToken)) return;
        // Another commit of this name dropped our blocks, and its blob was deleted since.
        throw new StoreUnavailableException($"The parts of {blob.Name} were dropped by another upload of that name.");
    }

    protected override ValueTask DisposeCoreAsync(bool committed)
    {
        if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
        return ValueTask.CompletedTask;
    }

    private async ValueTask StageAsync(CancellationToken cancellationToken)
    {
        if (_buffered == 0) return;
        // Ids of one blob must have one length; the owner's bytes keep racing uploads of one name apart.
        var id = new byte[20];
        _owner.CopyTo(id, 0);
        BinaryPrimitives.WriteInt32BigEndian(id.AsSpan(16), _blocks.Count);
        string block = Convert.ToBase64String(id);
        using var content = new MemoryStream(_buffer!, 0, _buffered, writable: false);
        try
        {
            await blob.StageBlockAsync(block, content, cancellationToken: cancellationToken);
        }
        catch (Exception failure) when (AzureFailure.IsOne(failure))
        {
            throw AzureFailure.Translate(failure);
        }
        _blocks.Add(block);
        _buffered = 0;
    }

    private async Task PutWholeAsync(CancellationToken cancellationToken)
    {
        using var content = new MemoryStream(_buffer ?? [], 0, _buffered, writable: false);
        await blob.UploadAsync(content, new BlobUploadOptions { Conditions = OnlyNew, Metadata = Metadata }, cancellationToken);
    }

    private Task PutBlockListAsync(CancellationToken cancellationToken) => blob.CommitBlockListAsync(
        _blocks, new CommitBlockListOptions { Conditions = OnlyNew, Metadata = Metadata }, cancellationToken);

    // True when committed, false when refused although there is no blob. The client sends a commit again when its answer was lost, and
    // then is told that the blob exists: whose it is, its metadata says.
    private async ValueTask<bool> SettledAsync(Func<CancellationToken, Task> commit, CancellationToken cancellationToken)
    {
        try
        {
            try
            {
                await commit(cancellationToken);
                return true;
            }
            catch (RequestFailedException refusal) when (
                refusal.Status is 409 or 412 || refusal.ErrorCode == BlobErrorCode.InvalidBlockList)
            {
                BlobProperties there = await blob.GetPropertiesAsync(cancellationToken: cancellationToken);
                if (there.Metadata.TryGetValue(OwnerKey, out string? owner) && owner == Convert.ToHexStringLower(_owner)) return true;
                throw new BlobExistsException(blob.Name, refusal);
            }
        }
        catch (RequestFailedException failure) when (failure.ErrorCode == BlobErrorCode.BlobNotFound)
        {
            return false;
        }
        catch (Exception failure) when (AzureFailure.IsOne(failure))
        {
            throw AzureFailure.Translate(failure);
        }
    }
}
