using System.Numerics;
using BackupPlatform.Formats;

namespace BackupPlatform.Engine.Tests.Formats;

public sealed class ChunkIdTests
{
    [Fact]
    public void GivenRandomIds_WhenWrittenAndReadInBothForms_ThenTheyAreTheSame()
    {
        var random = Randomness.Create();
        for (var i = 0; i < 100; i++)
        {
            var id = random.ChunkId();
            Assert.Equal(id, new ChunkId(id.ToByteArray()));
            Assert.True(ChunkId.TryParse(id.ToString(), out var parsed));
            Assert.Equal(id, parsed);
            Assert.Equal(Convert.ToHexStringLower(id.ToByteArray()), id.ToString());
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("000000000000000000000000000000000000000000000000000000000000000g")]
    [InlineData("00000000000000000000000000000000000000000000000000000000000000000")]
    public void GivenNoId_WhenParsed_ThenRefused(string text) => Assert.False(ChunkId.TryParse(text, out _));

    [Fact]
    public void GivenRandomIds_WhenCompared_ThenOrderIsThatOfTheirBytes()
    {
        var random = Randomness.Create();
        for (var i = 0; i < 1000; i++)
        {
            var left = random.Bytes(32);
            var right = left.ToArray();
            right[random.Next(32)] = (byte)random.Next(256);
            var expected = left.AsSpan().SequenceCompareTo(right);
            Assert.Equal(Math.Sign(expected), new ChunkId(left).CompareTo(new ChunkId(right)));
            Assert.Equal(expected == 0, new ChunkId(left) == new ChunkId(right));
        }
    }

    [Fact]
    public void GivenASet_WhenIdsComeAndGoInAnyOrder_ThenItsHashIsTheSumOfWhatIsIn()
    {
        var random = Randomness.Create();
        var hash = default(ChunkSetHash);
        var ids = new List<ChunkId>();
        for (var i = 0; i < 500; i++)
        {
            if (ids.Count > 0 && random.Next(3) == 0)
            {
                var gone = ids[random.Next(ids.Count)];
                ids.Remove(gone);
                hash.Remove(gone);
            }
            else
            {
                ids.Add(random.ChunkId());
                hash.Add(ids[^1]);
            }
            var sum = ids.Aggregate(BigInteger.Zero, (s, id) => s + new BigInteger(id.ToByteArray(), isUnsigned: true))
                % BigInteger.Pow(2, 256);
            Assert.Equal(sum, new BigInteger(hash.ToArray(), isUnsigned: true));
            Assert.Equal(hash, new ChunkSetHash(hash.ToArray()));
        }
    }
}
