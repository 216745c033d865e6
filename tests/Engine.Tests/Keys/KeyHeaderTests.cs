using System.Buffers.Binary;
using System.IO.Hashing;

namespace BackupPlatform.Engine.Tests.Keys;

public sealed class KeyHeaderTests
{
    private const string Right = TestKeys.PassphraseText;

    [Fact]
    public void GivenAKeyHeader_WhenUnwrappedWithItsPassphrase_ThenTheMasterKeyComesBack()
    {
        using var master = MasterKey.Generate();
        var bytes = KeyHeader.Create(master, Right, TestKeys.MachineId).ToArray();
        Assert.Equal(KeyHeader.Size, bytes.Length);
        using var again = KeyHeader.Parse(bytes).Unwrap(Right, TestKeys.MachineId);
        Assert.Equal(master.Bytes.ToArray(), again.Bytes.ToArray());
    }

    [Fact]
    public void GivenAWrongPassphrase_WhenUnwrapped_ThenItSaysWrongPassphrase()
    {
        using var master = MasterKey.Generate();
        var header = KeyHeader.Create(master, Right, TestKeys.MachineId);
        Assert.False(header.TryUnwrap(Right.ToLowerInvariant(), TestKeys.MachineId, out _));
        Assert.Throws<WrongPassphraseException>(() => header.Unwrap("quite another passphrase", TestKeys.MachineId));
    }

    [Fact]
    public void GivenAnotherMachinesHeader_WhenUnwrappedWithTheRightPassphrase_ThenItSaysDamaged()
    {
        using var master = MasterKey.Generate();
        var header = KeyHeader.Create(master, Right, TestKeys.MachineId);
        Assert.Throws<DamagedDataException>(() => header.Unwrap(Right, TestKeys.OtherMachineId));
    }

    [Fact]
    public void GivenTheSameMasterKeyWrappedTwice_WhenCompared_ThenSaltNonceAndWrappedKeyDiffer()
    {
        using var master = TestKeys.Master();
        var one = KeyHeader.Create(master, Right, TestKeys.MachineId).ToArray();
        var two = KeyHeader.Create(master, Right, TestKeys.MachineId).ToArray();
        foreach (var (at, length) in new[] { (24, 16), (40, 32), (72, 12), (84, 32) })
        {
            Assert.NotEqual(one[at..(at + length)], two[at..(at + length)]);
        }
    }

    [Fact]
    public void GivenAHeaderWithOneByteChanged_WhenParsed_ThenRefused()
    {
        using var master = TestKeys.Master();
        var bytes = KeyHeader.Create(master, Right, TestKeys.MachineId).ToArray();
        for (var at = 0; at < bytes.Length; at++)
        {
            bytes[at] ^= 1;
            var refusal = Assert.ThrowsAny<Exception>(() => KeyHeader.Parse(bytes));
            Assert.True(refusal is DamagedDataException or UnsupportedFormatException);
            bytes[at] ^= 1;
        }
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<DamagedDataException>(() => KeyHeader.Parse(bytes.AsSpan(0, length)));
        }
    }

    [Theory]
    [InlineData(40)] // commitment
    [InlineData(24)] // salt
    [InlineData(72)] // nonce
    [InlineData(84)] // wrapped key
    [InlineData(116)] // tag
    [InlineData(17)] // passes, still within the limits: 259 is not, so this one is refused at once
    public void GivenAHeaderForgedWithARightChecksum_WhenUnwrapped_ThenNoKeyComes(int at)
    {
        using var master = TestKeys.Master();
        var bytes = KeyHeader.Create(master, Right, TestKeys.MachineId).ToArray();
        bytes[at] ^= 1;
        Reseal(bytes);
        var refusal = Assert.ThrowsAny<Exception>(() => KeyHeader.Parse(bytes).Unwrap(Right, TestKeys.MachineId));
        Assert.True(refusal is DamagedDataException or WrongPassphraseException);
    }

    [Theory]
    [InlineData(KeyHeader.MinMemoryKiB - 1, 3, 1, "weaker")]
    [InlineData(KeyHeader.MinMemoryKiB, 2, 1, "weaker")]
    [InlineData(KeyHeader.MaxMemoryKiB + 1, 3, 1, "absurd")]
    [InlineData(uint.MaxValue, 3, 1, "absurd")]
    [InlineData(KeyHeader.MinMemoryKiB, 33, 1, "absurd")]
    [InlineData(KeyHeader.MinMemoryKiB, uint.MaxValue, 1, "absurd")]
    [InlineData(KeyHeader.MinMemoryKiB, 3, 2, "absurd")]
    public void GivenAWeakOrAbsurdDerivation_WhenParsed_ThenRefusedBeforeAnythingIsDerived(
        uint memory, uint passes, uint parallelism, string word)
    {
        using var master = TestKeys.Master();
        var bytes = KeyHeader.Create(master, Right, TestKeys.MachineId).ToArray();
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), memory);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(16), passes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(20), parallelism);
        Reseal(bytes);
        Assert.Contains(word, Assert.Throws<DamagedDataException>(() => KeyHeader.Parse(bytes)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GivenNoPassphrase_WhenAHeaderIsMade_ThenRefused()
    {
        using var master = TestKeys.Master();
        Assert.Throws<ArgumentException>(() => KeyHeader.Create(master, "too short", TestKeys.MachineId));
    }

    private static void Reseal(byte[] bytes) =>
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(132), XxHash3.HashToUInt64(bytes.AsSpan(0, 132)));
}
