using System.Collections.Immutable;

namespace BackupPlatform.Engine;

/// <summary>The bytes of an entry's extended attributes: the same for the same attributes.</summary>
public static class ExtendedAttributes
{
    /// <summary>Bytes of all attributes together at most: as many as surely fit into the chunks that an entry may name.</summary>
    public const int MaxBytes = CatalogEntry.MaxAttributeExtents * ContentDefinedChunker.MinLength;

    public const int MaxName = 255;
    public const int MaxValue = 64 * 1024;

    private const int MaxCount = 16 * 1024;

    /// <summary>Encodes attributes, in any order; none give no bytes.</summary>
    /// <exception cref="ArgumentException">They are too many, too long, or two have one name.</exception>
    public static byte[] Encode(IEnumerable<AttributeValue> attributes)
    {
        var sorted = attributes.ToArray();
        Array.Sort(sorted, (left, right) => left.Name.Span.SequenceCompareTo(right.Name.Span));
        if (sorted.Length == 0) return [];
        var writer = new ByteWriter();
        writer.VarInt((ulong)sorted.Length);
        foreach (var attribute in sorted)
        {
            writer.Block(attribute.Name.Span);
            writer.Block(attribute.Value.Span);
        }
        var bytes = writer.Written.ToArray();
        try
        {
            Decode(bytes, "extended attributes");
        }
        catch (DamagedDataException e)
        {
            throw new ArgumentException(e.Message, nameof(attributes), e);
        }
        return bytes;
    }

    /// <exception cref="DamagedDataException">Those are none.</exception>
    public static ImmutableArray<AttributeValue> Decode(ReadOnlySpan<byte> bytes, string what)
    {
        if (bytes.IsEmpty) return [];
        var reader = new ByteReader(bytes, what);
        if (bytes.Length > MaxBytes) throw reader.Damaged("has too many bytes");
        var count = reader.Int(Math.Min(MaxCount, bytes.Length / 2));
        if (count == 0) throw reader.Damaged("has no attributes");
        var attributes = ImmutableArray.CreateBuilder<AttributeValue>(count);
        for (var i = 0; i < count; i++)
        {
            var name = reader.Block(MaxName).ToArray();
            if (name.Length == 0 || name.AsSpan().Contains((byte)0)) throw reader.Damaged("has an attribute with an impossible name");
            if (i > 0 && attributes[i - 1].Name.Span.SequenceCompareTo(name) >= 0) throw reader.Damaged("has attributes out of order");
            attributes.Add(new AttributeValue(name, reader.Block(MaxValue).ToArray()));
        }
        return reader.AtEnd ? attributes.MoveToImmutable() : throw reader.Damaged("goes on after its last attribute");
    }
}
