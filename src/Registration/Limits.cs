namespace BackupPlatform.RegistrationService;

/// <summary>The service's limits; an operator raises them by configuration (<c>Limits__MachinesPerVault</c>).</summary>
/// <param name="MachinesPerVault">At most so many protected machines in a vault.</param>
public sealed record Limits(int MachinesPerVault);

internal static class LimitsConfiguration
{
    public static void AddLimits(this IServiceCollection services, IConfiguration configuration) =>
        services.AddSingleton(new Limits(configuration.GetValue("Limits:MachinesPerVault", 50)));
}
