using System.Text.Json.Serialization.Metadata;
using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Portal.Proxy;

namespace BackupPlatform.Portal.Pages;

/// <summary>What the page shows.</summary>
/// <param name="Next">Cursor of the next page of subscriptions; null at the end.</param>
public sealed record Overview(IReadOnlyList<SubscriptionView> Subscriptions, string? Next);

/// <param name="Problem">Why its vaults cannot be shown; null where they can.</param>
public sealed record SubscriptionView(SubscriptionDocument Subscription, IReadOnlyList<VaultView> Vaults, string? Problem);

/// <param name="Details">Null where they were not asked for.</param>
public sealed record VaultView(VaultDocument Vault, VaultDetails? Details);

public sealed record VaultDetails(
    Answer<Page<MachineDocument>> Machines,
    IReadOnlyDictionary<Guid, Answer<Page<RecoveryPointDocument>>> NewestPoints,
    Answer<Page<BackupJobDocument>> BackupJobs,
    Answer<Page<RestoreJobDocument>> RestoreJobs);

/// <summary>Gathers the page from the services, a bounded number of questions at a time.</summary>
internal sealed class OverviewReader(PlatformReader platform)
{
    private const int SubscriptionsPerPage = 20;
    private const int VaultsInFull = 10;
    private const int Jobs = 20;
    private const int QuestionsAtOnce = 8;

    /// <param name="vault">The one vault to show in full; null: all of the page if they are few.</param>
    /// <returns>The page, or what the vault service said instead.</returns>
    public async Task<Answer<Overview>> ReadAsync(string token, string? after, Guid? vault, CancellationToken cancellationToken)
    {
        using var questions = new SemaphoreSlim(QuestionsAtOnce);
        var questioner = new Questioner(platform, questions, token, cancellationToken);
        var cursor = after is null ? "" : $"&after={Uri.EscapeDataString(after)}";
        var subscriptions = await questioner.AskAsync(
            ApiRoutes.Vault, $"/api/subscriptions?limit={SubscriptionsPerPage}{cursor}", ContractsJson.Default.PageSubscriptionDocument);
        if (subscriptions.Value is not { } page)
        {
            return new(null, subscriptions.Problem, subscriptions.Status);
        }

        var vaults = await Task.WhenAll(page.Items.Select(subscription => questioner.AskAsync(
            ApiRoutes.Vault, $"/api/subscriptions/{subscription.Id:D}/vaults", ContractsJson.Default.PageVaultDocument)));
        var few = vaults.Sum(answer => answer.Value?.Items.Count ?? 0) <= VaultsInFull;
        var views = await Task.WhenAll(page.Items.Zip(vaults, async (subscription, answer) => new SubscriptionView(
            subscription,
            await Task.WhenAll((answer.Value?.Items ?? []).Select(async one => new VaultView(
                one, vault == one.Id || (vault is null && few) ? await DetailsAsync(questioner, one.Id) : null))),
            answer.Problem)));
        return new(new Overview(views, page.Next), null, subscriptions.Status);
    }

    private static async Task<VaultDetails> DetailsAsync(Questioner questioner, Guid vaultId)
    {
        var backups = questioner.AskAsync(
            ApiRoutes.Ingest, $"/api/vaults/{vaultId:D}/jobs?limit={Jobs}", ContractsJson.Default.PageBackupJobDocument);
        var restores = questioner.AskAsync(
            ApiRoutes.Restore, $"/api/vaults/{vaultId:D}/restore-jobs?limit={Jobs}", ContractsJson.Default.PageRestoreJobDocument);
        var machines = await questioner.AskAsync(
            ApiRoutes.Registration, $"/api/vaults/{vaultId:D}/machines", ContractsJson.Default.PageMachineDocument);
        var points = await Task.WhenAll((machines.Value?.Items ?? []).Select(async machine => (machine.Id, Answer: await questioner.AskAsync(
            ApiRoutes.Ingest, $"/api/machines/{machine.Id:D}/recovery-points?limit=1", ContractsJson.Default.PageRecoveryPointDocument))));
        return new(machines, points.ToDictionary(point => point.Id, point => point.Answer), await backups, await restores);
    }

    private sealed record Questioner(
        PlatformReader Platform, SemaphoreSlim Questions, string Token, CancellationToken CancellationToken)
    {
        public async Task<Answer<T>> AskAsync<T>(
            string owner, string path, JsonTypeInfo<T> type) where T : class
        {
            await Questions.WaitAsync(CancellationToken);
            try
            {
                return await Platform.ReadAsync(owner, path, type, Token, CancellationToken);
            }
            finally
            {
                Questions.Release();
            }
        }
    }
}
