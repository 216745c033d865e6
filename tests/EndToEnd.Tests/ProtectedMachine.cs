using System.Globalization;
using System.Text.Json;
using BackupPlatform.Testing;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>A machine with a vault of its own, registered by the real agent, and a folder to back up.</summary>
internal sealed class ProtectedMachine : IDisposable
{
    private readonly TempFolder folder = new("machine");

    private ProtectedMachine(Operator @operator) => Operator = @operator;

    public Operator Operator { get; }

    public AgentProcess Agent { get; private set; } = null!;

    public Guid VaultId { get; private set; }

    public string MachineId { get; private set; } = "";

    public string Source => folder.Combine("source");

    public string PassphraseFile => folder.Combine("passphrase");

    /// <summary>Vault, credentials, registration with a generated passphrase.</summary>
    public static async Task<ProtectedMachine> RegisterAsync(PlatformProcess platform)
    {
        var machine = new ProtectedMachine(await Operator.CreateAsync(platform));
        machine.VaultId = (await machine.Operator.CreateVaultAsync()).Id;
        machine.Agent = platform.Agent(machine.folder.Combine("home"));
        var credentials = await machine.Operator.DownloadCredentialsAsync(machine.VaultId, machine.folder);
        (await machine.Agent.RunAsync(
            "register", "--credentials", credentials, "--name", "box", "--generate-passphrase", "--passphrase-out", machine.PassphraseFile))
            .Expect();
        var machines = await machine.Operator.GetAsync($"api/vaults/{machine.VaultId}/machines");
        machine.MachineId = machines.GetProperty("items")[0].GetProperty("id").GetString()!;
        return machine;
    }

    public string NewFolder(string name) => folder.Make(name);

    public async Task<JsonElement> BackUpAsync() => (await Agent.RunAsync("backup", Source)).Expect().Summary;

    /// <summary>Restores everything of a point and compares it with the source.</summary>
    public async Task RestoreAndCompareAsync(string point = "latest")
    {
        var target = NewFolder(string.Create(CultureInfo.InvariantCulture, $"restored-{Directory.GetDirectories(folder).Length}"));
        (await Agent.RunAsync("restore", point, "--target", target)).Expect();
        TreeComparer.AssertSame(Source, target + Source, TreeAspects.Mode | TreeAspects.Owner | TreeAspects.Modified);
    }

    public void Dispose()
    {
        Operator.Dispose();
        folder.Dispose();
    }
}
