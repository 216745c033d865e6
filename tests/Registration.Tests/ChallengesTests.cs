using System.Buffers.Text;
using BackupPlatform.RegistrationService.Tokens;
using Microsoft.Extensions.Time.Testing;

namespace BackupPlatform.Registration.Tests;

/// <summary>Nonces that are recognized without being remembered.</summary>
public sealed class ChallengesTests
{
    private static readonly Guid MachineId = Guid.Parse("0197f000-0000-7000-8000-000000000001");

    private readonly FakeTimeProvider clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void GivenANonce_WhenTimePasses_ThenItHoldsFor60SecondsAndNoLonger()
    {
        var challenges = new Challenges("secret", clock);
        var (nonce, expires) = challenges.Make(MachineId);

        Assert.Equal(clock.GetUtcNow().AddSeconds(60), expires);
        Assert.True(challenges.Holds(MachineId, nonce));
        clock.Advance(TimeSpan.FromMilliseconds(59_999));
        Assert.True(challenges.Holds(MachineId, nonce));
        clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(challenges.Holds(MachineId, nonce));
    }

    [Fact]
    public void GivenAnotherReplicaWithTheSecret_WhenANonceIsShownThere_ThenItHolds() =>
        Assert.True(new Challenges("secret", clock).Holds(MachineId, new Challenges("secret", clock).Make(MachineId).Nonce));

    [Fact]
    public void GivenANonce_WhenShownForAnotherMachineOrMadeWithAnotherSecret_ThenItDoesNotHold()
    {
        var challenges = new Challenges("secret", clock);

        Assert.False(challenges.Holds(Guid.CreateVersion7(clock.GetUtcNow()), challenges.Make(MachineId).Nonce));
        Assert.False(challenges.Holds(MachineId, new Challenges("another", clock).Make(MachineId).Nonce));
    }

    [Fact]
    public void GivenANonce_WhenAnyByteIsAltered_ThenItDoesNotHold()
    {
        var challenges = new Challenges("secret", clock);
        var nonce = Base64Url.DecodeFromChars(challenges.Make(MachineId).Nonce);
        for (var i = 0; i < nonce.Length; i++)
        {
            nonce[i] ^= 1;
            Assert.False(challenges.Holds(MachineId, Base64Url.EncodeToString(nonce)), $"byte {i}");
            nonce[i] ^= 1;
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("!!!")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!")]
    public void GivenGarbage_WhenShown_ThenItDoesNotHold(string nonce) =>
        Assert.False(new Challenges("secret", clock).Holds(MachineId, nonce));

    [Fact]
    public void GivenTwoChallengesAtOneMoment_WhenCompared_ThenTheyDiffer()
    {
        var challenges = new Challenges("secret", clock);

        Assert.NotEqual(challenges.Make(MachineId).Nonce, challenges.Make(MachineId).Nonce);
    }
}
