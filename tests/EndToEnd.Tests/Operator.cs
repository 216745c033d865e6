using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Testing;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>An operator of one subscription, at the portal's address.</summary>
internal sealed class Operator : IDisposable
{
    private readonly HttpClient client;

    private Operator(HttpClient client, Guid subscriptionId, string token) =>
        (this.client, SubscriptionId, Token) = (client, subscriptionId, token);

    public string Token { get; }

    public Guid SubscriptionId { get; }

    /// <summary>Makes a subscription of its own, so that tests do not meet in one.</summary>
    public static async Task<Operator> CreateAsync(PlatformProcess platform, string name = "tests")
    {
        using var all = Client(platform, platform.Endpoints.OperatorToken);
        using var response = await all.PostAsJsonAsync("api/subscriptions", new { name });
        response.EnsureSuccessStatusCode();
        var subscription = (await response.Content.ReadFromJsonAsync(ContractsJson.Default.SubscriptionCreatedDocument))!;
        return new Operator(Client(platform, subscription.OperatorToken), subscription.Id, subscription.OperatorToken);
    }

    public static HttpClient Client(PlatformProcess platform, string? token)
    {
        var client = new HttpClient { BaseAddress = platform.Endpoints.Portal };
        client.DefaultRequestHeaders.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    public async Task<VaultDocument> CreateVaultAsync(string name = "vault")
    {
        using var response = await client.PostAsJsonAsync($"api/subscriptions/{SubscriptionId}/vaults", new { name, redundancy = "LRS" });
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync(ContractsJson.Default.VaultDocument))!;
    }

    /// <summary>Downloads fresh credentials into a file.</summary>
    public async Task<string> DownloadCredentialsAsync(Guid vaultId, string folder)
    {
        using var response = await client.PostAsync(new Uri($"api/vaults/{vaultId}/credentials", UriKind.Relative), null);
        response.EnsureSuccessStatusCode();
        var file = Path.Combine(folder, $"{Path.GetRandomFileName()}.VaultCredentials");
        await File.WriteAllTextAsync(file, await response.Content.ReadAsStringAsync());
        return file;
    }

    public async Task<JsonElement> GetAsync(string path)
    {
        using var response = await client.GetAsync(new Uri(path, UriKind.Relative));
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    public async Task DeleteAsync(string path)
    {
        using var response = await client.DeleteAsync(new Uri(path, UriKind.Relative));
        response.EnsureSuccessStatusCode();
    }

    public async Task<IReadOnlyList<RecoveryPointDocument>> RecoveryPointsAsync(string machineId)
    {
        using var response = await client.GetAsync(new Uri($"api/machines/{machineId}/recovery-points", UriKind.Relative));
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync(ContractsJson.Default.PageRecoveryPointDocument))!.Items;
    }

    public void Dispose() => client.Dispose();
}
