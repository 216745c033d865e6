using NSec.Cryptography;

namespace BackupPlatform.Engine.Tests.Keys;

public sealed class KeyRingTests
{
    [Fact]
    public void GivenOneMasterKey_WhenKeysAreDerivedTwice_ThenTheyAreTheSame()
    {
        using var one = TestKeys.Ring();
        using var two = TestKeys.Ring();
        Assert.Equal(one.RecoveryPublicKey, two.RecoveryPublicKey);
        Assert.Equal(one.Gear.ToArray(), two.Gear.ToArray());
        Assert.Equal(one.Identify(ChunkKind.Data, "x"u8), two.Identify(ChunkKind.Data, "x"u8));
        Assert.Equal(one.ManifestKey.ToArray(), two.ManifestKey.ToArray());
    }

    [Fact]
    public void GivenTwoMasterKeys_WhenTheSameDataIsIdentified_ThenTheIdsDiffer()
    {
        using var master = MasterKey.Generate();
        using var one = TestKeys.Ring();
        using var two = new KeyRing(master, TestKeys.MachineId);
        Assert.NotEqual(one.Identify(ChunkKind.Data, "x"u8), two.Identify(ChunkKind.Data, "x"u8));
        Assert.NotEqual(one.Gear.ToArray(), two.Gear.ToArray());
        Assert.NotEqual(one.RecoveryPublicKey, two.RecoveryPublicKey);
    }

    [Fact]
    public void GivenTheSameBytesAsDataAndAsCatalog_WhenIdentified_ThenTheIdsDiffer()
    {
        using var keys = TestKeys.Ring();
        Assert.NotEqual(keys.Identify(ChunkKind.Data, "x"u8), keys.Identify(ChunkKind.Catalog, "x"u8));
    }

    [Fact]
    public void GivenAChallenge_WhenSignedWithTheRecoveryKey_ThenTheSignatureVerifiesAndOthersDoNot()
    {
        using var keys = TestKeys.Ring();
        var signature = keys.SignRecovery("challenge"u8);
        var publicKey = PublicKey.Import(SignatureAlgorithm.Ed25519, keys.RecoveryPublicKey, KeyBlobFormat.RawPublicKey);
        Assert.True(SignatureAlgorithm.Ed25519.Verify(publicKey, "challenge"u8, signature));
        Assert.False(SignatureAlgorithm.Ed25519.Verify(publicKey, "Challenge"u8, signature));
    }

    [Fact]
    public void GivenAMachineIdentity_WhenExportedAndImported_ThenItIsTheSame()
    {
        using var identity = MachineIdentity.Generate();
        using var again = MachineIdentity.Import(identity.Export());
        Assert.Equal(identity.PublicKey, again.PublicKey);
        var publicKey = PublicKey.Import(SignatureAlgorithm.Ed25519, identity.PublicKey, KeyBlobFormat.RawPublicKey);
        Assert.True(SignatureAlgorithm.Ed25519.Verify(publicKey, "token"u8, again.Sign("token"u8)));
        Assert.Throws<DamagedDataException>(() => MachineIdentity.Import(new byte[31]));
    }

    [Fact]
    public void GivenADisposedMasterKey_WhenRead_ThenRefused()
    {
        var master = MasterKey.Generate();
        master.Dispose();
        Assert.Throws<ObjectDisposedException>(() => master.Bytes.Length);
    }
}
