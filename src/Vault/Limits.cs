namespace BackupPlatform.VaultService;

/// <summary>The service's limits; an operator raises them by configuration (<c>Limits__VaultsPerSubscription</c> and so on).</summary>
/// <param name="VaultsPerSubscription">At most so many vaults in a subscription.</param>
/// <param name="CredentialsLifetime">How long vault credentials are valid after their download.</param>
public sealed record Limits(int VaultsPerSubscription, TimeSpan CredentialsLifetime);

internal static class LimitsConfiguration
{
    public static void AddLimits(this IServiceCollection services, IConfiguration configuration) =>
        services.AddSingleton(new Limits(
            configuration.GetValue("Limits:VaultsPerSubscription", 25),
            System.Xml.XmlConvert.ToTimeSpan(configuration["Limits:CredentialsLifetime"] ?? "P2D")));
}
