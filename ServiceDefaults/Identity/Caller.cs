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
    public sealed record Machine(Guid MachineId, Guid VaultId, Guid SubscriptionId) : Caller;

    /// <summary>Whether an operator of this subscription calls.</summary>
    public bool Operates(Guid subscriptionId) => this switch
    {
        PlatformOperator => true,
        SubscriptionOperator mine => mine.SubscriptionId == subscriptionId,
        _ => false,
    };

    /// <summary>Whether this machine itself calls.</summary>
    public bool IsMachine(Guid machineId) => this is Machine machine && machine.MachineId == machineId;
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

    /// <exception cref="RefusedException">It is no operator that calls.</exception>
    public static Caller CallingOperator(this HttpContext context) => context.Caller() is var caller and not Identity.Caller.Machine
        ? caller
        : throw new RefusedException(new Refusal(ProblemCodes.Forbidden, "Only an operator can do that."));
}
