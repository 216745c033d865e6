namespace BackupPlatform.Engine;

/// <summary>Backed-up data that is not what was written: damaged, cut off, exchanged or forged.</summary>
public sealed class DamagedDataException : Exception
{
    /// <param name="what">What was hit, such as <c>chunk 0f3c…</c> or <c>key header</c>.</param>
    /// <param name="why">What is wrong with it, a clause that can follow the name.</param>
    /// <param name="inner">What found it, if something did.</param>
    public DamagedDataException(string what, string why, Exception? inner = null)
        : base($"Damaged data: {what} {why}.", inner) => What = what;

    /// <summary>What was hit.</summary>
    public string What { get; }
}

/// <summary>The passphrase does not open this key header.</summary>
public sealed class WrongPassphraseException() : Exception("The passphrase is not the one of this protected machine.");

/// <summary>Data of a newer format than this agent reads, or of a kind it does not know; a newer agent does.</summary>
public sealed class UnsupportedFormatException(string message) : Exception(message);
