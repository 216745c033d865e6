using BackupPlatform.Contracts;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.ServiceDefaults;
using NodaTime;
using NSec.Cryptography;

namespace BackupPlatform.RegistrationService.Machines;

/// <summary>Checks what a machine says of itself, before anything is believed.</summary>
internal static class RegistrationChecks
{
    private const int MaxNameLength = 64;

    // Of the database that comes with the package: what is a time zone must not depend on what this computer has installed.
    private static readonly HashSet<string> TimeZones = [.. DateTimeZoneProviders.Tzdb.Ids];

    /// <returns>What is wrong, field by field; null where nothing is.</returns>
    public static Refusal? Check(RegisterMachine request)
    {
        var errors = Errors(request).ToDictionary(error => error.Field, error => new[] { error.Message });
        return errors.Count == 0
            ? null
            : new Refusal(ProblemCodes.Invalid, string.Join(' ', errors.Values.Select(messages => messages[0])), errors);
    }

    private static IEnumerable<(string Field, string Message)> Errors(RegisterMachine request)
    {
        if (request.MachineId.Version != 7)
        {
            yield return ("machineId", "'machineId' is a UUID of version 7 that the machine has made.");
        }

        if (!IsName(request.Name))
        {
            yield return ("name", $"'name' is 1 to {MaxNameLength} characters, none of them a control character.");
        }

        if (!IsPublicKey(request.IdentityPublicKey))
        {
            yield return ("identityPublicKey", "'identityPublicKey' is an Ed25519 public key of 32 bytes.");
        }

        if (!IsPublicKey(request.RecoveryPublicKey))
        {
            yield return ("recoveryPublicKey", "'recoveryPublicKey' is an Ed25519 public key of 32 bytes.");
        }

        if (request.KeyHeader is not { Length: > 0 and <= KeyHeaders.MaxLength })
        {
            yield return ("keyHeader", $"'keyHeader' is 1 to {KeyHeaders.MaxLength} bytes.");
        }

        if (request.TimeZone is null || !TimeZones.Contains(request.TimeZone))
        {
            yield return ("timeZone", "'timeZone' is an IANA name, such as \"Europe/Berlin\".");
        }

        if (string.IsNullOrEmpty(request.Credentials))
        {
            yield return ("credentials", "'credentials' is the whole vault credentials file.");
        }
    }

    private static bool IsName(string? name) =>
        !string.IsNullOrWhiteSpace(name) && name.Length <= MaxNameLength && !name.Any(char.IsControl);

    private static bool IsPublicKey(byte[]? key) =>
        key is not null && PublicKey.TryImport(SignatureAlgorithm.Ed25519, key, KeyBlobFormat.RawPublicKey, out _);
}
