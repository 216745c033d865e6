using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Vaults;
using BackupPlatform.Agent.Platform;

namespace BackupPlatform.Agent.Registration;

/// <summary>A vault credentials file that somebody shows to the agent.</summary>
/// <param name="Text">The whole file, as it is sent.</param>
internal sealed record ShownCredentials(string Text, VaultCredentialsFile Fields)
{
    /// <exception cref="AgentException">It cannot be read (exit 2), or is no credentials file (exit 5).</exception>
    public static ShownCredentials Read(string file)
    {
        string text;
        try
        {
            if (new FileInfo(file).Length > 4 * VaultCredentialsFile.MaxLength)
            {
                throw new IOException("it is too long");
            }

            text = File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw AgentException.Usage($"The vault credentials file {file} cannot be read: {e.Message}");
        }

        return VaultCredentialsFile.TryParse(text, out var reason) is { } fields
            ? new ShownCredentials(text, fields)
            : throw new AgentException(
                ExitCodes.Refused,
                ProblemCodes.CredentialsInvalid,
                $"{file} is no vault credentials file: {reason}. Ask the vault's operator for a fresh one.");
    }

    /// <summary>A line to the platform that issued them, for one who has no identity there.</summary>
    public PlatformClient Connect(RetryPolicy retry) =>
        new(new Endpoints(new AgentEndpoints([Fields.RegistrationEndpoint], [], [])), retry);
}
