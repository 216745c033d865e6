using BackupPlatform.IngestService;
using BackupPlatform.IngestService.Backups;
using BackupPlatform.IngestService.Chunks;
using BackupPlatform.IngestService.Data;
using BackupPlatform.IngestService.Items;
using BackupPlatform.IngestService.Machines;
using BackupPlatform.IngestService.RecoveryPoints;
using BackupPlatform.IngestService.Restores;
using BackupPlatform.IngestService.Sealing;
using BackupPlatform.IngestService.Segments;
using BackupPlatform.IngestService.Vaults;
using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Identity;
using BackupPlatform.Storage;

var builder = WebApplication.CreateBuilder(args);
TransportMemory.Use(builder.Services);
builder.Services.AddExceptionHandler<StoreProblems>();
builder.AddServiceDefaults();
builder.AddEventStore("ingestdb", store =>
{
    store.AddMachines();
    store.AddItems();
    store.AddBackups();
    store.AddRestoreLeases();
    store.AddVaultClosures();
});
builder.Services.AddHostedService<IngestSchema>();
builder.AddBus("ingest", bus =>
{
    bus.AddEndedIdentities();
    bus.AddConsumer<VaultCreatedConsumer>();
    bus.AddConsumer<MachineRegisteredConsumer>();
    bus.AddConsumer<MachineReplacedConsumer>();
    bus.AddConsumer<RecoveryPointTaggedConsumer>();
    bus.AddConsumer<RecoveryPointExpiredConsumer>();
    bus.AddConsumer<RecoveryPointDeletedConsumer>();
    bus.AddConsumer<RecoveryPointRestoredConsumer>();
    bus.AddConsumer<RecoveryPointPurgedConsumer>();
    bus.AddConsumer<VaultClosingConsumer>();
    bus.AddConsumer<VaultDeletedConsumer>();
    bus.AddConsumer<RestoreRequestedConsumer>();
    bus.AddConsumer<RestoreCompletedConsumer>();
    bus.AddConsumer<RestoreFailedConsumer>();
});
builder.AddIdentityGate();
builder.Services.AddSingleton(await BlobStores.OpenAsync(
    builder.Configuration.GetConnectionString("blobs")
    ?? throw new InvalidOperationException("ConnectionStrings:blobs is not set; the application host gives it.")));
builder.Services.AddSingleton<IContractTranslator, BackupContracts>();
builder.Services.AddSingleton<IContractTranslator, RestoreLeaseContracts>();
builder.Services.AddSingleton<IContractTranslator, VaultClosureContracts>();
builder.Services.AddLimits(builder.Configuration);
builder.Services.AddSingleton<ExclusiveCommands>();
builder.Services.AddSingleton<MachineAccess>();
builder.Services.AddSingleton<OpenBackups>();
builder.Services.AddSingleton<EndBackups>();
builder.Services.AddSingleton<CloseVaults>();
builder.Services.AddSingleton<PointStandings>();
builder.Services.AddSingleton<JobLists>();
builder.Services.AddSingleton<SegmentIntake>();
builder.Services.AddSingleton<SealIntake>();
builder.Services.AddSingleton<SealBackups>();
builder.Services.AddSingleton<LostPacks>();
builder.Services.AddSingleton<PresentChunks>();
builder.Services.AddSingleton<RestorePlanning>();
builder.Services.AddSingleton<EndRestoreLeases>();
builder.Services.AddSingleton<IdleBackups>();
builder.Services.AddHostedService(services => services.GetRequiredService<IdleBackups>());
builder.Services.AddSingleton<StrandedSegments>();
builder.Services.AddHostedService(services => services.GetRequiredService<StrandedSegments>());

var app = builder.Build();
app.MapDefaultEndpoints();
app.UseIdentityGate();
app.MapOpenBackup();
app.MapReadBackupJobs();
app.MapCancelBackup();
app.MapMissingChunks();
app.MapPutSegment();
app.MapSealBackup();
app.MapReadRecoveryPoints();
app.MapReadPointChunks();
await app.RunAsync();
