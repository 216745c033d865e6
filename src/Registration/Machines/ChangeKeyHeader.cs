using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults;
using BackupPlatform.ServiceDefaults.Identity;
using BackupPlatform.Storage;
using Marten;
using Microsoft.AspNetCore.Mvc;

namespace BackupPlatform.RegistrationService.Machines;

internal static class ChangeKeyHeaderEndpoints
{
    private const int MaxRequestLength = 16 * 1024;

    private static readonly Refusal NotSigned = new(
        ProblemCodes.Unauthenticated, "The key header is not signed with this machine's recovery key; open the old one with its passphrase first.");

    public static void MapChangeKeyHeader(this WebApplication app)
    {
        app.MapGet("/api/machines/{machineId:guid}/key-header", ReadAsync).Produces<KeyHeaderDocument>();
        app.MapPut("/api/machines/{machineId:guid}/key-header", ChangeAsync)
            .WithMetadata(new RequestSizeLimitAttribute(MaxRequestLength))
            .Produces<KeyHeaderDocument>();
    }

    private static async Task<IResult> ReadAsync(Guid machineId, HttpContext http, IDocumentStore store, IBlobStore blobs)
    {
        if (http.CallingMachine().MachineId != machineId)
        {
            return Refusal.NotFound("machine").ToResult();
        }

        var (machine, keyHeader) = await blobs.ReadKeyHeaderAsync(store, machineId, http.RequestAborted);
        http.Response.Headers.CacheControl = "no-store";
        return Results.Ok(new KeyHeaderDocument(machine.KeyHeaderRevision, keyHeader));
    }

    /// <remarks>
    /// The blob is durable before it counts, and the old ones go after that. A machine's token alone changes nothing: who stole it
    /// could lock the machine's owner out.
    /// </remarks>
    private static async Task<IResult> ChangeAsync(
        Guid machineId, ChangeKeyHeader request, HttpContext http, IDocumentStore store, IBlobStore blobs, OldKeyHeaders old, TimeProvider clock)
    {
        var caller = http.CallingMachine();
        if (RegistrationChecks.Check(request) is { } invalid)
        {
            return invalid.ToResult();
        }

        await using var session = store.QuerySession();
        if (caller.MachineId != machineId || await session.LoadAsync<Machine>(machineId, http.RequestAborted) is not { } machine)
        {
            return Refusal.NotFound("machine").ToResult();
        }

        if (!Proofs.Holds(machine.RecoveryKey, RecoveryProofs.KeyHeader(machineId, request.Revision, request.KeyHeader), request.Signature!))
        {
            return NotSigned.ToResult();
        }

        var hash = KeyHeaders.Hash(request.KeyHeader);
        Decision Decide(Machine? state) => Machine.ChangeKeyHeader(state, request.Revision, hash, clock.GetUtcNow());
        var decision = Decide(machine);
        if (decision.Events.Count > 0)
        {
            var name = KeyHeaders.BlobName(machine.VaultId, machineId, request.Revision, hash);
            decision = await blobs.KeepAsync(name, request.KeyHeader, http.RequestAborted)
                ? await store.DecideAsync<Machine>(machineId, Decide, http.RequestAborted)
                : new Refusal(ProblemCodes.Conflict, "Another key header bears this name; wrap the key anew and try again.");
            await old.TryRemoveAsync(machineId, http.RequestAborted);
        }

        return decision.Refusal?.ToResult() ?? Results.Ok(new KeyHeaderDocument(request.Revision, request.KeyHeader!));
    }
}
