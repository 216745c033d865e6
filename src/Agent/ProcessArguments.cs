using BackupPlatform.Agent.Files;

namespace BackupPlatform.Agent;

/// <summary>
/// The arguments of this process without loss: .NET's are text and replace what is no UTF-8, so they are taken from
/// <c>/proc/self/cmdline</c>, in the strings of <see cref="PathText"/>.
/// </summary>
internal static class ProcessArguments
{
    public static string[] Exact(string[] arguments)
    {
        try
        {
            return Merge(arguments, File.ReadAllBytes("/proc/self/cmdline"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without /proc, what is UTF-8 works all the same.
            return arguments;
        }
    }

    /// <summary>The last arguments of the command line: before them stand the program and what the runtime was started with.</summary>
    internal static string[] Merge(string[] arguments, ReadOnlySpan<byte> commandLine)
    {
        var parts = new List<string>();
        while (!commandLine.IsEmpty)
        {
            var end = commandLine.IndexOf((byte)0);
            var length = end < 0 ? commandLine.Length : end;
            parts.Add(PathText.Decode(commandLine[..length]));
            commandLine = commandLine[Math.Min(length + 1, commandLine.Length)..];
        }

        return parts.Count > arguments.Length ? [.. parts[^arguments.Length..]] : arguments;
    }
}
