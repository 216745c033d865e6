namespace BackupPlatform.LocalHosting;

/// <summary>
/// The command line of a platform run as local processes: <c>[--data DIR] [--quiet]</c>. The data directory may also be
/// named by <c>BACKUP_PLATFORM_DATA</c>; without either it is <c>.data</c> in the checkout.
/// </summary>
/// <param name="DataDirectory">Full path of the folder that holds all state.</param>
/// <param name="Quiet">Whether what the parts print stays in their log files, off the console.</param>
public sealed record HostOptions(string DataDirectory, bool Quiet)
{
    internal const string Usage = "usage: [--data DIR] [--quiet]";

    internal static HostOptions Parse(string[] args, string? dataFromEnvironment, string checkout)
    {
        var data = string.IsNullOrEmpty(dataFromEnvironment) ? Path.Combine(checkout, ".data") : dataFromEnvironment;
        var quiet = false;
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--quiet") quiet = true;
            else if (args[i] == "--data" && i + 1 < args.Length && args[i + 1].Length > 0) data = args[++i];
            else throw new HostingException($"unknown or incomplete option '{args[i]}'\n{Usage}", exitCode: 2);
        }

        return new HostOptions(Path.GetFullPath(data), quiet);
    }

    /// <summary>The folder of the solution that this program was built in.</summary>
    internal static string FindCheckout()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "BackupPlatform.sln"))) return folder.FullName;
        return Environment.CurrentDirectory;
    }
}
