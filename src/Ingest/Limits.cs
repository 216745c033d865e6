namespace BackupPlatform.IngestService;

/// <summary>The service's limits; an operator raises them by configuration (<c>Limits__ItemsPerMachine</c> and so on).</summary>
/// <param name="ItemsPerMachine">At most so many items of a machine.</param>
/// <param name="RecoveryPointsPerItem">At most so many recovery points of an item that have not expired.</param>
/// <param name="BackupsPerDay">At most so many sealed backups of an item on a day of the machine's time zone.</param>
public sealed record Limits(int ItemsPerMachine, int RecoveryPointsPerItem, int BackupsPerDay);

internal static class LimitsConfiguration
{
    public static void AddLimits(this IServiceCollection services, IConfiguration configuration) =>
        services.AddSingleton(new Limits(
            configuration.GetValue("Limits:ItemsPerMachine", 20),
            configuration.GetValue("Limits:RecoveryPointsPerItem", 366),
            configuration.GetValue("Limits:BackupsPerDay", 3)));
}
