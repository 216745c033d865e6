using System.Text;
using BackupPlatform.Agent.Home;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Registration;

/// <summary>Files that hold a passphrase in their first line.</summary>
internal static class PassphraseFiles
{
    private const int MaxBytes = 4096;

    /// <exception cref="AgentException">There is no passphrase in it (exit 2).</exception>
    public static string Read(string file)
    {
        var passphrase = TryRead(file) ?? throw AgentException.Usage($"The passphrase file {file} is not there.");
        return Passphrase.Validate(passphrase) is { } fault
            ? throw AgentException.Usage($"The first line of {file} is no passphrase: {fault}")
            : passphrase;
    }

    /// <summary>The first line; null where there is no file.</summary>
    public static string? TryRead(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            var bytes = new byte[MaxBytes];
            var length = stream.ReadAtLeast(bytes, MaxBytes, throwOnEndOfStream: false);
            return Encoding.UTF8.GetString(bytes, 0, length).TrimStart('\ufeff').Split('\n', 2)[0].TrimEnd('\r');
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw AgentException.Usage($"The passphrase file {file} cannot be read: {e.Message}");
        }
    }

    /// <summary>Writes a passphrase to a new file for its owner alone; one that is there stays as it is.</summary>
    /// <exception cref="AgentException">There is a file of that name, or it cannot be written (exit 2).</exception>
    public static void Write(string file, string passphrase)
    {
        try
        {
            if (AtomicFile.Create(file, Encoding.UTF8.GetBytes(passphrase + "\n")))
            {
                return;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw AgentException.Usage($"The passphrase file {file} cannot be written: {e.Message}");
        }

        throw Taken(file);
    }

    public static AgentException Taken(string file) => AgentException.Usage(
        $"{file} is there already and is not overwritten. Name another file with --passphrase-out, or use what it holds with "
        + "--passphrase-file.");
}
