using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Platform.Bus;
using JasperFx.Events;

namespace BackupPlatform.RegistrationService.Machines;

/// <summary>What others hear of machines.</summary>
internal sealed class MachineContracts : IContractTranslator
{
    public IContract? Translate(IEvent committed) => committed.Data switch
    {
        MachineEnrolled e => new MachineRegistered(
            committed.StreamId, committed.Version, e.At, e.SubscriptionId, e.VaultId, e.Name, e.TimeZone),
        MachineTakenOver e => new MachineReplaced(
            committed.StreamId, committed.Version, e.At, e.SubscriptionId, e.VaultId, e.Name, e.TimeZone, e.Generation),
        MachineDismissed e => new MachineDeregistered(
            committed.StreamId, committed.Version, e.At, e.SubscriptionId, e.VaultId, e.Generation),
        _ => null,
    };
}
