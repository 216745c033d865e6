using System.Runtime.InteropServices;

namespace BackupPlatform.Agent.Files;

/// <summary>The system refused something about one file or directory.</summary>
internal sealed class FileError(int number, string operation)
    : IOException($"{operation}: {Marshal.GetPInvokeErrorMessage(number)}")
{
    /// <summary>The errno.</summary>
    public int Number { get; } = number;

    public bool IsMissing => Number is Libc.ErrorNoEntry or Libc.ErrorNotADirectory;
}
