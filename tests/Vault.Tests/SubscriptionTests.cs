using BackupPlatform.Contracts;
using BackupPlatform.VaultService.Subscriptions;

namespace BackupPlatform.Vault.Tests;

/// <summary>What a subscription decides.</summary>
public sealed class SubscriptionTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly Guid Id = Guid.CreateVersion7(Now);

    [Fact]
    public void GivenNoSubscription_WhenAddingAVault_ThenNotFound() =>
        Assert.Equal(ProblemCodes.NotFound, Subscription.AddVault(null, Guid.CreateVersion7(Now), "v", 25, Now).Refusal?.Code);

    [Fact]
    public void Given24Vaults_WhenAddingAnother_ThenItIsAddedUnderItsName()
    {
        var vault = Guid.CreateVersion7(Now);

        var decision = Subscription.AddVault(WithVaults(24), vault, "one more", 25, Now);

        Assert.Equal([new VaultAdded(Id, vault, "one more", Now)], decision.Events);
    }

    [Fact]
    public void Given25Vaults_WhenAddingAnother_ThenTheLimitRefuses()
    {
        var decision = Subscription.AddVault(WithVaults(25), Guid.CreateVersion7(Now), "one more", 25, Now);

        Assert.Equal(ProblemCodes.VaultLimit, decision.Refusal?.Code);
        Assert.Equal(409, decision.Refusal?.Status);
        Assert.Empty(decision.Events);
    }

    [Fact]
    public void GivenAVaultOfThatName_WhenAddingAnother_ThenConflict() =>
        Assert.Equal(
            ProblemCodes.Conflict, Subscription.AddVault(WithVaults(3), Guid.CreateVersion7(Now), "vault 1", 25, Now).Refusal?.Code);

    [Fact]
    public void Given25Vaults_WhenAddingOneThatIsThere_ThenNothingIsToDo()
    {
        var full = WithVaults(25);

        var decision = Subscription.AddVault(full, full.Vaults[7].Id, "whatever", 25, Now);

        Assert.Null(decision.Refusal);
        Assert.Empty(decision.Events);
    }

    private static Subscription WithVaults(int count) => Enumerable.Range(0, count).Aggregate(
        Subscription.Fold(null, new SubscriptionCreated(Id, "A company", Now)),
        (state, i) => Subscription.Fold(state, new VaultAdded(Id, Guid.CreateVersion7(Now), $"vault {i}", Now)));
}
