using BackupPlatform.Contracts.Registration;

namespace BackupPlatform.RegistrationService;

/// <summary>The addresses that agents are told, at registration and with each token.</summary>
internal static class Endpoints
{
    private const string Section = "AgentEndpoints";

    /// <exception cref="InvalidOperationException">A service that agents talk to has no address.</exception>
    public static void AddAgentEndpoints(this IServiceCollection services, IConfiguration configuration) =>
        services.AddSingleton(new AgentEndpoints(
            Read(configuration, nameof(AgentEndpoints.Registration)),
            Read(configuration, nameof(AgentEndpoints.Ingest)),
            Read(configuration, nameof(AgentEndpoints.Restore))));

    private static Uri[] Read(IConfiguration configuration, string service) =>
        configuration.GetSection($"{Section}:{service}").Get<Uri[]>() is { Length: > 0 } addresses
            ? addresses
            : throw new InvalidOperationException($"{Section}:{service} is not set; the application host gives it.");
}
