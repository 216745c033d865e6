using System.Diagnostics;
using System.Text;
using BackupPlatform.Testing;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>What the platform gets to see of a machine's files: nothing.</summary>
public sealed class PrivacyTests(SharedPlatform platform)
{
    private static readonly string Unique = Guid.CreateVersion7().ToString("N");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GivenFilesWithMarkersInNamesAndContents_WhenBackedUpAndRestored_ThenNothingOnTheServerHoldsAMarkerOrThePassphrase()
    {
        await using var tap = await BusTap.OpenAsync(platform.Endpoints.Rabbitmq);
        using var machine = await ProtectedMachine.RegisterAsync(platform);
        string[] markers = [$"file-name-{Unique}", $"folder-name-{Unique}", $"link-target-{Unique}", $"contents-{Unique}", $"small-{Unique}"];
        var folder = Directory.CreateDirectory(Path.Combine(machine.Source, markers[1])).FullName;
        File.WriteAllText(Path.Combine(folder, markers[0]), Incompressible(markers[3]), Encoding.UTF8);
        File.WriteAllText(Path.Combine(folder, "small"), markers[4]);
        File.CreateSymbolicLink(Path.Combine(folder, "link"), markers[2]);
        await machine.BackUpAsync();
        // A file that is gone makes an error, which names it to the person alone.
        File.Delete(Path.Combine(folder, "small"));
        await machine.BackUpAsync();
        await machine.RestoreAndCompareAsync();
        (await machine.Agent.RunAsync("verify", "latest", "--read-data")).Expect();
        (await machine.Agent.RunAsync("restore", "latest", $"/{markers[0]}", "--target", machine.NewFolder("nothing"))).Expect(1);

        var passphrase = (await File.ReadAllTextAsync(machine.PassphraseFile, Stop)).Trim();
        var search = new MarkerSearch([.. markers, passphrase, passphrase.Replace("-", "", StringComparison.Ordinal)]);

        // The search finds what is there.
        Assert.Equal(
            [markers[3]], await search.FindAsync(File.OpenRead(Path.Combine(folder, markers[0])), Stop));
        foreach (var message in tap.Messages)
        {
            Assert.Empty(await search.FindAsync(new MemoryStream(message), Stop));
        }

        Assert.NotEmpty(tap.Messages);
        using var dump = Dump();
        Assert.Empty(await search.FindAsync(dump.StandardOutput.BaseStream, Stop));
        await dump.WaitForExitAsync(Stop);
        Assert.Equal(0, dump.ExitCode);
        Assert.Empty(await FindInFilesAsync(search, platform.Data));
    }

    private static async Task<IReadOnlyCollection<string>> FindInFilesAsync(MarkerSearch search, string folder)
    {
        var found = new List<string>();
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        // The lock file is empty, and locked.
        foreach (var file in Directory.EnumerateFiles(folder, "*", options).Where(file => Path.GetFileName(file) != "lock"))
        {
            try
            {
                await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                found.AddRange((await search.FindAsync(stream, Stop)).Select(marker => $"{marker} in {file}"));
            }
            catch (FileNotFoundException)
            {
                // Servers at work remove files of theirs.
            }
        }

        return found;
    }

    private Process Dump()
    {
        var program = Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin", "pg_dumpall"))
            .Where(File.Exists).DefaultIfEmpty("pg_dumpall").Max()!;
        return Process.Start(new ProcessStartInfo(program, ["--dbname", platform.Endpoints.Postgres]) { RedirectStandardOutput = true })!;
    }

    private static string Incompressible(string marker)
    {
        var noise = new byte[300_000];
        Random.Shared.NextBytes(noise);
        return Convert.ToBase64String(noise) + marker;
    }
}
