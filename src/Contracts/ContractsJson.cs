using System.Text.Json;
using System.Text.Json.Serialization;
using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Contracts.Restore;
using BackupPlatform.Contracts.Vaults;

namespace BackupPlatform.Contracts;

/// <summary>How API documents are written: camelCase, enums by name, instants in ISO-8601, bytes in base64.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.Never)]
[JsonSerializable(typeof(ProblemDocument))]
[JsonSerializable(typeof(CreateSubscription))]
[JsonSerializable(typeof(SubscriptionCreatedDocument))]
[JsonSerializable(typeof(Page<SubscriptionDocument>))]
[JsonSerializable(typeof(CreateVault))]
[JsonSerializable(typeof(Page<VaultDocument>))]
[JsonSerializable(typeof(RegisterMachine))]
[JsonSerializable(typeof(RegisteredMachineDocument))]
[JsonSerializable(typeof(Page<MachineDocument>))]
[JsonSerializable(typeof(TokenChallenge))]
[JsonSerializable(typeof(RequestToken))]
[JsonSerializable(typeof(MachineToken))]
[JsonSerializable(typeof(OpenRecovery))]
[JsonSerializable(typeof(RecoveryChallenge))]
[JsonSerializable(typeof(RequestRecoveryToken))]
[JsonSerializable(typeof(ReplaceMachine))]
[JsonSerializable(typeof(ChangeKeyHeader))]
[JsonSerializable(typeof(KeyHeaderDocument))]
[JsonSerializable(typeof(Page<CredentialsDocument>))]
[JsonSerializable(typeof(OpenBackup))]
[JsonSerializable(typeof(Page<BackupJobDocument>))]
[JsonSerializable(typeof(SegmentReceipt))]
[JsonSerializable(typeof(Page<RecoveryPointDocument>))]
[JsonSerializable(typeof(RequestRestore))]
[JsonSerializable(typeof(Page<RestoreJobDocument>))]
[JsonSerializable(typeof(FinishRestore))]
public sealed partial class ContractsJson : JsonSerializerContext;
