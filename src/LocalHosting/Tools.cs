using System.Diagnostics;

namespace BackupPlatform.LocalHosting;

/// <summary>Finds the programs of the machine that the platform uses, and runs those that do their work and end.</summary>
internal static class Tools
{
    /// <summary>The path of a program in one of the folders, or on the PATH.</summary>
    /// <exception cref="HostingException">It is not installed.</exception>
    public static string Find(string program, string package, params IEnumerable<string> folders) =>
        folders.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists)
        ?? throw new HostingException($"{program} is not installed; infra/install.sh installs it, or: apt-get install {package}");

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="HostingException">It failed; with what it printed.</exception>
    public static async Task RunAsync(ProcessStartInfo start, CancellationToken cancel)
    {
        var (exitCode, output) = await TryRunAsync(start, cancel);
        if (exitCode != 0) throw new HostingException($"{Path.GetFileName(start.FileName)} failed with exit code {exitCode}:\n{output}");
    }

    /// <summary>Runs a program to its end; gives its exit code and what it printed.</summary>
    public static async Task<(int ExitCode, string Output)> TryRunAsync(ProcessStartInfo start, CancellationToken cancel)
    {
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancel);
            var errors = process.StandardError.ReadToEndAsync(cancel);
            await process.WaitForExitAsync(cancel);
            return (process.ExitCode, await output + await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
