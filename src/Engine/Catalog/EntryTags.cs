namespace BackupPlatform.Engine;

/// <summary>The optional fields of an entry: numbers ascending, odd ones may be passed over.</summary>
internal static class EntryTags
{
    private const int HardLinkTag = 1;
    private const int AttributesTag = 3;
    private const int AttributeExtentsTag = 5;
    private const int FarTimeTag = 7;

    public static void Write(ByteWriter writer, CatalogEntry entry)
    {
        var fields = new List<(int Tag, ByteWriter Value)>();
        ByteWriter Field(int tag)
        {
            var value = new ByteWriter();
            fields.Add((tag, value));
            return value;
        }
        if (entry.HardLink is { } link)
        {
            var value = Field(HardLinkTag);
            value.VarInt((ulong)link.Links);
            value.Bytes(link.First.Span);
        }
        if (!entry.Attributes.IsEmpty) Field(AttributesTag).Bytes(entry.Attributes.Span);
        if (!entry.AttributeExtents.IsEmpty) CatalogRecords.WriteExtents(Field(AttributeExtentsTag), entry.AttributeExtents.AsSpan());
        if (entry.ModifiedFar is { } time)
        {
            var value = Field(FarTimeTag);
            value.ZigZag(time.Seconds);
            value.VarInt((ulong)time.Nanoseconds);
        }
        writer.VarInt((ulong)fields.Count);
        foreach (var (tag, value) in fields)
        {
            writer.VarInt((ulong)tag);
            writer.Block(value.Written);
        }
    }

    public static CatalogEntry Read(ref ByteReader reader, CatalogEntry entry)
    {
        var tags = reader.Tags();
        while (reader.NextTag(ref tags, out var value))
        {
            entry = tags.Last switch
            {
                HardLinkTag => entry with { HardLink = ReadLink(ref value, entry) },
                AttributesTag => entry with { Attributes = ReadAttributes(ref value) },
                AttributeExtentsTag => entry with { AttributeExtents = ReadAttributeExtents(ref value, entry) },
                FarTimeTag => entry with { ModifiedFar = new FarTime(value.ZigZag(), value.Int(999_999_999)) },
                _ => Unknown(entry, ref value, tags.Last),
            };
            if (!value.AtEnd) throw value.Damaged($"goes on after field {tags.Last}");
        }
        return entry;
    }

    private static CatalogEntry Unknown(CatalogEntry entry, ref ByteReader value, ulong tag)
    {
        value.PassOverTag(tag);
        return entry;
    }

    private static HardLink ReadLink(ref ByteReader value, CatalogEntry entry)
    {
        var links = (long)value.VarInt(long.MaxValue);
        var first = value.Bytes(value.Left).ToArray();
        if (links == 0 || CatalogPath.Fault(first) is not null) throw value.Damaged("has an impossible hard link");
        var path = CatalogPath.Trusted(first);
        return entry.Kind != CatalogEntryKind.Directory && path <= entry.Path
            ? new HardLink(links, path)
            : throw value.Damaged("has an impossible hard link");
    }

    private static byte[] ReadAttributes(ref ByteReader value)
    {
        var bytes = value.Bytes(value.Left);
        if (bytes.Length is 0 or > CatalogEntry.MaxInlineAttributes) throw value.Damaged("has extended attributes of an impossible length");
        return bytes.ToArray();
    }

    private static System.Collections.Immutable.ImmutableArray<Extent> ReadAttributeExtents(ref ByteReader value, CatalogEntry entry)
    {
        var extents = CatalogRecords.ReadExtents(ref value, CatalogEntry.MaxAttributeExtents);
        if (extents.IsEmpty || !entry.Attributes.IsEmpty || CatalogRecords.HasHole(extents.AsSpan())
            || CatalogRecords.Sum(extents.AsSpan()) > ExtendedAttributes.MaxBytes)
        {
            throw value.Damaged("has impossible extended attributes");
        }
        return extents;
    }
}
