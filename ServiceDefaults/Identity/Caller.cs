using BackupPlatform.Contracts;
using Microsoft.AspNetCore.Http;

namespace BackupPlatform.ServiceDefaults.Identity;

/// <summary>Who sends a request, as its token proves it.</summary>
public abstract record Caller
{
    /// <summary>Operates the whole platform.</summary>
    public sealed record PlatformOperator : Caller;

    /// <summary>Operates one subscription.</summary>
    public sealed record SubscriptionOperator(Guid SubscriptionId) : Caller;

    /// <summary>A protected machine's agent.</summary>
    /// <param name="Generation">Of its identity: 1 for a registration, one more with each replacement.</param>
    public sealed record Machine(Guid MachineId, Guid VaultId, Guid SubscriptionId, int Generation = 1) : Caller, IPointReader;

    /// <summary>
    /// Someone who showed credentials of the vault and proved to know the machine's passphrase: reads that machine's recovery points
    /// and nothing else.
    /// </summary>
    /// <param name="CredentialsId">The credentials that were shown; the session ends when they are revoked.</param>
    /// <param name="CredentialsExpireAt">From then on nothing new is begun; what runs goes on.</param>
    public sealed record Recovery(
        Guid MachineId, Guid VaultId, Guid SubscriptionId, Guid CredentialsId, DateTimeOffset CredentialsExpireAt) : Caller, IPointReader;

    /// <summary>Whether an operator of this subscription calls.</summary>
    public bool Operates(Guid subscriptionId) => this switch
    {
        PlatformOperator => true,
        SubscriptionOperator mine => mine.SubscriptionId == subscriptionId,
        _ => false,
    };

    /// <summary>Whether this machine itself calls.</summary>
    public bool IsMachine(Guid machineId) => this is Machine machine && machine.MachineId == machineId;

    /// <summary>Whether the caller may read this machine's recovery points: the machine itself, or someone who recovers it.</summary>
    public bool Reads(Guid machineId) => this is IPointReader reader && reader.MachineId == machineId;
}

/// <summary>A caller that reads the recovery points of one machine, down to their data.</summary>
public interface IPointReader
{
    Guid MachineId { get; }

    Guid VaultId { get; }

    Guid SubscriptionId { get; }
}

/// <summary>Reads the caller from a request; what is not allowed ends the request with a problem.</summary>
public static class Callers
{
    /// <exception cref="RefusedException">Nobody could be authenticated.</exception>
    public static Caller Caller(this HttpContext context) => context.Features.Get<Caller>() ?? throw new RefusedException(
        new Refusal(ProblemCodes.Unauthenticated, "Send a valid token as 'Authorization: Bearer TOKEN'."));

    /// <exception cref="RefusedException">It is no machine that calls.</exception>
    public static Caller.Machine CallingMachine(this HttpContext context) => context.Caller() as Caller.Machine
        ?? throw new RefusedException(new Refusal(ProblemCodes.Forbidden, "Only a protected machine's agent can do that."));

    /// <summary>The machine that calls, or who recovers it elsewhere.</summary>
    /// <exception cref="RefusedException">It is neither.</exception>
    public static IPointReader CallingReader(this HttpContext context) => context.Caller() as IPointReader
        ?? throw new RefusedException(new Refusal(
            ProblemCodes.Forbidden, "Only a protected machine's agent, or who recovers it with its passphrase, can do that."));

    /// <exception cref="RefusedException">It is no operator that calls.</exception>
    public static Caller CallingOperator(this HttpContext context) =>
        context.Caller() is var caller and (Identity.Caller.PlatformOperator or Identity.Caller.SubscriptionOperator)
            ? caller
            : throw new RefusedException(new Refusal(ProblemCodes.Forbidden, "Only an operator can do that."));
}
