using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.RegistrationService.Machines;

namespace BackupPlatform.Registration.Tests;

/// <summary>What roster and machine decide.</summary>
public sealed class DecisionTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly Guid Vault = Guid.CreateVersion7(Now);
    private static readonly MachineEnrolled Enrolled = new(
        Guid.CreateVersion7(Now), Vault, Guid.CreateVersion7(Now), "pc", new byte[32], [.. Enumerable.Repeat((byte)1, 32)], 1, "Europe/Berlin", Now);

    [Fact]
    public void GivenNoRoster_WhenAddingAMachine_ThenItIsTheFirst()
    {
        var added = Added("pc");

        var decision = VaultRoster.Add(null, added, limit: 50);

        Assert.Equal([added], decision.Events);
        Assert.Equal([new RosterEntry(added.MachineId, "pc")], VaultRoster.Fold(null, added).Machines);
    }

    [Fact]
    public void Given49Machines_WhenAddingAnother_ThenItIsAdded() =>
        Assert.Single(VaultRoster.Add(WithMachines(49), Added("one more"), limit: 50).Events);

    [Fact]
    public void Given50Machines_WhenAddingAnother_ThenTheLimitRefuses()
    {
        var decision = VaultRoster.Add(WithMachines(50), Added("one more"), limit: 50);

        Assert.Equal(ProblemCodes.MachineLimit, decision.Refusal?.Code);
        Assert.Empty(decision.Events);
    }

    [Fact]
    public void GivenAMachineOfThatName_WhenAddingAnother_ThenItExists() =>
        Assert.Equal(ProblemCodes.MachineExists, VaultRoster.Add(WithMachines(50), Added("machine 3"), limit: 50).Refusal?.Code);

    [Fact]
    public void GivenAFullRoster_WhenAddingOneThatIsThere_ThenNothingIsToDo()
    {
        var full = WithMachines(50);

        var decision = VaultRoster.Add(full, new MachineAdded(Vault, full.Machines[7].Id, "whatever", Now), limit: 50);

        Assert.Null(decision.Refusal);
        Assert.Empty(decision.Events);
    }

    [Fact]
    public void GivenNoMachine_WhenEnrolling_ThenItComesToBe() => Assert.Equal([Enrolled], Machine.Enroll(null, Enrolled).Events);

    [Fact]
    public void GivenTheMachine_WhenEnrollingAgainLaterUnderAnotherName_ThenNothingIsToDo()
    {
        var decision = Machine.Enroll(Machine.Fold(null, Enrolled), Enrolled with { Name = "other", At = Now.AddDays(1) });

        Assert.Null(decision.Refusal);
        Assert.Empty(decision.Events);
    }

    [Fact]
    public void GivenTheMachine_WhenEnrollingWithOtherKeysOrVault_ThenItExists()
    {
        var machine = Machine.Fold(null, Enrolled);

        foreach (var other in new[]
        {
            Enrolled with { IdentityKey = [.. Enumerable.Repeat((byte)2, 32)] },
            Enrolled with { RecoveryKey = [.. Enumerable.Repeat((byte)2, 32)] },
            Enrolled with { VaultId = Guid.CreateVersion7(Now) },
        })
        {
            Assert.Equal(ProblemCodes.MachineExists, Machine.Enroll(machine, other).Refusal?.Code);
        }
    }

    public static TheoryData<string, RegisterMachine> Invalid
    {
        get
        {
            var good = new TestMachine().Request("credentials");
            return new()
            {
                { "machineId", good with { MachineId = Guid.Empty } },
                { "machineId", good with { MachineId = Guid.Parse("3f2504e0-4f89-41d3-9a0c-0305e82c3301") } },
                { "name", good with { Name = null } },
                { "name", good with { Name = "" } },
                { "name", good with { Name = " " } },
                { "name", good with { Name = new string('n', 65) } },
                { "name", good with { Name = "a\u0007b" } },
                { "name", good with { Name = "a\nb" } },
                { "identityPublicKey", good with { IdentityPublicKey = null } },
                { "identityPublicKey", good with { IdentityPublicKey = new byte[31] } },
                { "identityPublicKey", good with { IdentityPublicKey = new byte[33] } },
                { "recoveryPublicKey", good with { RecoveryPublicKey = null } },
                { "recoveryPublicKey", good with { RecoveryPublicKey = [] } },
                { "keyHeader", good with { KeyHeader = null } },
                { "keyHeader", good with { KeyHeader = [] } },
                { "keyHeader", good with { KeyHeader = new byte[4097] } },
                { "timeZone", good with { TimeZone = null } },
                { "timeZone", good with { TimeZone = "Europe/Atlantis" } },
                { "timeZone", good with { TimeZone = "W. Europe Standard Time" } },
                { "timeZone", good with { TimeZone = "../../etc/passwd" } },
                { "credentials", good with { Credentials = null } },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Invalid), DisableDiscoveryEnumeration = true)]
    public void GivenAFieldThatWillNotDo_WhenChecked_ThenInvalidNamesThatField(string field, RegisterMachine request)
    {
        var refusal = RegistrationChecks.Check(request);

        Assert.Equal(ProblemCodes.Invalid, refusal?.Code);
        Assert.Equal([field], refusal!.Errors!.Keys);
    }

    [Theory]
    [InlineData("a", "Etc/UTC")]
    [InlineData("Rechner – größer", "America/Argentina/Buenos_Aires")]
    [InlineData("名前", "UTC")]
    [InlineData("<script>", "US/Pacific")]
    public void GivenWhatWillDo_WhenChecked_ThenNothingIsWrong(string name, string zone) => Assert.Null(RegistrationChecks.Check(
        new TestMachine().Request("credentials") with { Name = name, TimeZone = zone, KeyHeader = new byte[4096] }));

    private static MachineAdded Added(string name) => new(Vault, Guid.CreateVersion7(Now), name, Now);

    private static VaultRoster WithMachines(int count) => Enumerable.Range(0, count).Aggregate(
        (VaultRoster?)null, (state, i) => VaultRoster.Fold(state, Added($"machine {i}")))!;
}
