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
    public static Refusal? Check(RegisterMachine request) => Refuse(
        MachineId(request.MachineId),
        Name(request.Name),
        PublicKey("identityPublicKey", request.IdentityPublicKey),
        PublicKey("recoveryPublicKey", request.RecoveryPublicKey),
        KeyHeader(request.KeyHeader),
        TimeZone(request.TimeZone),
        Credentials(request.Credentials));

    /// <returns>As above.</returns>
    public static Refusal? Check(OpenRecovery request) => Refuse(
        Credentials(request.Credentials),
        string.IsNullOrWhiteSpace(request.Machine) || request.Machine.Length > MaxNameLength
            ? ("machine", "'machine' is the machine's name or its id.")
            : null);

    /// <returns>As above.</returns>
    public static Refusal? Check(RequestRecoveryToken request) => Refuse(
        Credentials(request.Credentials),
        Nonce(request.Nonce),
        Signature(request.Signature),
        request.PreviousToken is "" ? ("previousToken", "'previousToken' is the session's last token, or absent.") : null);

    /// <returns>As above.</returns>
    public static Refusal? Check(ReplaceMachine request) => Refuse(
        Credentials(request.Credentials),
        Nonce(request.Nonce),
        Signature(request.Signature),
        PublicKey("identityPublicKey", request.IdentityPublicKey),
        TimeZone(request.TimeZone));

    /// <returns>As above.</returns>
    public static Refusal? Check(ChangeKeyHeader request) => Refuse(
        request.Revision < KeyHeaders.FirstRevision ? ("revision", "'revision' is the one that counts now, plus one.") : null,
        KeyHeader(request.KeyHeader),
        Signature(request.Signature));

    private static Refusal? Refuse(params (string Field, string Message)?[] found)
    {
        var errors = found.OfType<(string Field, string Message)>().ToDictionary(error => error.Field, error => new[] { error.Message });
        return errors.Count == 0
            ? null
            : new Refusal(ProblemCodes.Invalid, string.Join(' ', errors.Values.Select(messages => messages[0])), errors);
    }

    private static (string, string)? MachineId(Guid id) =>
        id.Version == 7 ? null : ("machineId", "'machineId' is a UUID of version 7 that the machine has made.");

    private static (string, string)? Name(string? name) =>
        IsName(name) ? null : ("name", $"'name' is 1 to {MaxNameLength} characters, none of them a control character.");

    private static (string, string)? PublicKey(string field, byte[]? key) =>
        IsPublicKey(key) ? null : (field, $"'{field}' is an Ed25519 public key of 32 bytes.");

    private static (string, string)? KeyHeader(byte[]? header) => header is { Length: > 0 and <= KeyHeaders.MaxLength }
        ? null
        : ("keyHeader", $"'keyHeader' is 1 to {KeyHeaders.MaxLength} bytes.");

    private static (string, string)? TimeZone(string? zone) =>
        zone is not null && TimeZones.Contains(zone) ? null : ("timeZone", "'timeZone' is an IANA name, such as \"Europe/Berlin\".");

    private static (string, string)? Credentials(string? file) =>
        string.IsNullOrEmpty(file) ? ("credentials", "'credentials' is the whole vault credentials file.") : null;

    private static (string, string)? Nonce(string? nonce) =>
        string.IsNullOrEmpty(nonce) ? ("nonce", "'nonce' is the nonce of the challenge.") : null;

    private static (string, string)? Signature(byte[]? signature) => signature is { Length: Proofs.SignatureSize }
        ? null
        : ("signature", $"'signature' is an Ed25519 signature of {Proofs.SignatureSize} bytes.");

    private static bool IsName(string? name) =>
        !string.IsNullOrWhiteSpace(name) && name.Length <= MaxNameLength && !name.Any(char.IsControl);

    private static bool IsPublicKey(byte[]? key) =>
        key is not null && NSec.Cryptography.PublicKey.TryImport(SignatureAlgorithm.Ed25519, key, KeyBlobFormat.RawPublicKey, out _);
}
