using System.Buffers.Binary;
using BackupPlatform.Platform.EventStore;
using Marten;
using Npgsql;

namespace BackupPlatform.IngestService.Data;

/// <summary>A transaction over event streams and bulk data together.</summary>
/// <param name="Session">Takes part in the transaction.</param>
/// <param name="Connection">The transaction's connection.</param>
internal sealed record MixedTransaction(IDocumentSession Session, NpgsqlConnection Connection);

/// <summary>Commands that change event streams and bulk data in one transaction, one at a time for each item or lease.</summary>
/// <remarks>
/// Whoever opens or seals a job also holds its vault's lock, shared: nobody closes the vault meanwhile, and many can open and seal at
/// once. The order is always item, vault, machine.
/// Whoever opens, ends or seals a job of an item holds the item's lock first. So the rows and streams behind it are always
/// locked in the same order, and a long seal makes others wait instead of being decided anew.
/// </remarks>
internal sealed class ExclusiveCommands(IDocumentStore store, NpgsqlDataSource database)
{
    private const int MaxAttempts = 20;

    /// <param name="key">Id of what is locked: an item, a lease, or a vault that is to be closed.</param>
    /// <param name="command">Called again after a lost race, in a new transaction.</param>
    /// <returns>The decision that holds: committed, unless it refuses.</returns>
    public Task<Decision> RunAsync(Guid key, Func<MixedTransaction, Task<Decision>> command, CancellationToken cancellationToken) =>
        RunAsync(key, vaultId: null, command, cancellationToken);

    /// <summary>As long as the command runs, nobody else closes the vault.</summary>
    public Task<Decision> RunInVaultAsync(
        Guid vaultId, Guid key, Func<MixedTransaction, Task<Decision>> command, CancellationToken cancellationToken) =>
        RunAsync(key, vaultId, command, cancellationToken);

    private async Task<Decision> RunAsync(
        Guid key, Guid? vaultId, Func<MixedTransaction, Task<Decision>> command, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await RunOnceAsync(key, vaultId, command, cancellationToken);
            }
            catch (Exception e) when (Commands.IsLostRace(e) && attempt < MaxAttempts)
            {
                // Decided on a state that is no more.
            }
        }
    }

    private async Task<Decision> RunOnceAsync(
        Guid key, Guid? vaultId, Func<MixedTransaction, Task<Decision>> command, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.LockAsync(key, cancellationToken);
        if (vaultId is { } vault)
        {
            await connection.Bulk("select pg_advisory_xact_lock_shared($1)", Locks.NumberOf(vault)).RunAsync(cancellationToken);
        }

        await using var session = store.OpenCommandSession(transaction);
        var decision = await command(new MixedTransaction(session, connection));
        if (decision.Refusal is null)
        {
            await session.SaveChangesAsync(cancellationToken);
            // From here on a cancellation would only hide whether it was done.
            await transaction.CommitAsync(CancellationToken.None);
        }

        return decision;
    }
}

/// <summary>Locks that a transaction holds until it ends.</summary>
internal static class Locks
{
    /// <summary>Waits until nobody else holds the key's lock.</summary>
    public static Task LockAsync(this NpgsqlConnection connection, Guid key, CancellationToken cancellationToken) =>
        connection.Bulk("select pg_advisory_xact_lock($1)", NumberOf(key)).RunAsync(cancellationToken);

    /// <summary>The number of a key's lock.</summary>
    /// <remarks>Two keys of the same number only wait for one another.</remarks>
    public static long NumberOf(Guid key)
    {
        Span<byte> bytes = stackalloc byte[16];
        key.TryWriteBytes(bytes);
        return BinaryPrimitives.ReadInt64LittleEndian(bytes) ^ BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]);
    }
}
