using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Agent.Restore;

/// <summary>A file being restored: how much is missing, and what it is called until nothing is.</summary>
internal sealed class RestoredFile(int index, PlannedEntry planned)
{
    public int Index => index;

    public PlannedEntry Planned => planned;

    public Lock Lock { get; } = new();

    /// <summary>Bytes that have not come yet.</summary>
    public long Missing { get; set; } = planned.Data + planned.AttributeBytes;

    /// <summary>Encoded extended attributes, where they come in chunks; empty where they are lost.</summary>
    public byte[] ChunkedAttributes { get; set; } = new byte[planned.AttributeBytes];

    /// <summary>All encoded extended attributes, complete when nothing is missing.</summary>
    public ReadOnlySpan<byte> Attributes => planned.Entry.AttributeExtents.IsEmpty ? planned.Entry.Attributes.Span : ChunkedAttributes;

    /// <summary>Its name while it is not complete; null before the first byte.</summary>
    public byte[]? TemporaryName { get; set; }

    /// <summary>Why it cannot be restored; null while it can.</summary>
    public string? Failure { get; set; }

    public bool Done { get; set; }

    /// <summary>The open temporary file, closed and opened again when there are many.</summary>
    public SafeFileHandle? Handle { get; set; }
}
