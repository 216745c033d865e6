using BackupPlatform.Contracts;
using JasperFx.Events;

namespace BackupPlatform.Platform.Bus;

/// <summary>Says which of an aggregate's events others hear of, and in what words. Internal events never leave the service.</summary>
public interface IContractTranslator
{
    /// <returns>Null where the event is not for others, or another aggregate's.</returns>
    IContract? Translate(IEvent committed);
}
