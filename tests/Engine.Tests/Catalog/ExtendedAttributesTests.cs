namespace BackupPlatform.Engine.Tests.Catalog;

public sealed class ExtendedAttributesTests
{
    [Fact]
    public void GivenAttributesInAnyOrder_WhenEncodedAndDecoded_ThenTheyAreTheSameSorted()
    {
        var random = Randomness.Create();
        for (var round = 0; round < 50; round++)
        {
            var attributes = Enumerable.Range(0, random.Next(1, 40))
                .Select(i => new AttributeValue(Encode($"user.{i:D3}"), random.Bytes(random.Next(10) == 0 ? 64 * 1024 : random.Next(100))))
                .ToArray();
            var shuffled = attributes.ToArray();
            random.Shuffle(shuffled);
            var bytes = ExtendedAttributes.Encode(shuffled);
            Assert.Equal(ExtendedAttributes.Encode(attributes), bytes);
            Assert.Equal(
                attributes.Select(a => (Convert.ToHexString(a.Name.Span), Convert.ToHexString(a.Value.Span))),
                ExtendedAttributes.Decode(bytes, "attributes").Select(a => (Convert.ToHexString(a.Name.Span), Convert.ToHexString(a.Value.Span))));
            Assert.Throws<DamagedDataException>(() => ExtendedAttributes.Decode(bytes.AsSpan(0, bytes.Length - 1), "attributes"));
            Assert.Throws<DamagedDataException>(() => ExtendedAttributes.Decode([.. bytes, 0], "attributes"));
        }
        Assert.Empty(ExtendedAttributes.Encode([]));
        Assert.Empty(ExtendedAttributes.Decode([], "attributes"));
    }

    [Fact]
    public void GivenImpossibleAttributes_WhenEncoded_ThenRefused()
    {
        var good = new AttributeValue(Encode("user.a"), new byte[1]);
        Assert.Throws<ArgumentException>(() => ExtendedAttributes.Encode([good, good]));
        Assert.Throws<ArgumentException>(() => ExtendedAttributes.Encode([good with { Name = default }]));
        Assert.Throws<ArgumentException>(() => ExtendedAttributes.Encode([good with { Name = Encode(new string('a', 256)) }]));
        Assert.Throws<ArgumentException>(() => ExtendedAttributes.Encode([good with { Value = new byte[(64 * 1024) + 1] }]));
        Assert.Throws<ArgumentException>(() => ExtendedAttributes.Encode(
            Enumerable.Range(0, 129).Select(i => new AttributeValue(Encode($"user.{i}"), new byte[64 * 1024]))));
    }

    private static byte[] Encode(string name) => System.Text.Encoding.ASCII.GetBytes(name);
}
