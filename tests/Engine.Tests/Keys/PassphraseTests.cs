namespace BackupPlatform.Engine.Tests.Keys;

public sealed class PassphraseTests
{
    [Fact]
    public void GivenGeneratedPassphrases_WhenLookedAt_ThenTheyAreValidDistinctAndHaveEnoughBits()
    {
        var all = Enumerable.Range(0, 1000).Select(_ => Passphrase.Generate()).ToList();
        Assert.Equal(all.Count, all.Distinct().Count());
        Assert.All(all, p => Assert.Null(Passphrase.Validate(p)));
        Assert.All(all, p => Assert.Matches("^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$", p));
        Assert.True(28 * Math.Log2(32) >= 130);
        Assert.Equal(32, all.SelectMany(p => p).Where(c => c != '-').Distinct().Count());
    }

    [Theory]
    [InlineData("sixteen letters!", true)]
    [InlineData("fifteen letters", false)]
    [InlineData("thirty-six characters are just right", true)]
    [InlineData("thirty-seven characters are too many!", false)]
    [InlineData("with a\ttabulator in it", false)]
    [InlineData("with a newline at the end\n", false)]
    [InlineData("ümläüte sind möglich", true)]
    [InlineData("u\u0308 could be two ways", false)]
    [InlineData("broken \ud800 surrogate here", false)]
    [InlineData("🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑", true)]
    [InlineData(" a space in front of it", false)]
    [InlineData("", false)]
    public void GivenAPassphrase_WhenValidated_ThenOnlySixteenToThirtySixPrintableCharactersPass(string text, bool valid) =>
        Assert.Equal(valid, Passphrase.Validate(text) is null);
}
