using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Identity;
using BackupPlatform.RestoreService.Jobs;
using BackupPlatform.RestoreService.Points;
using BackupPlatform.RestoreService.Tenants;
using BackupPlatform.Storage;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddEventStore("restoredb", store =>
{
    store.AddRestoreJobs();
    store.AddRestorablePoints();
    store.AddTenants();
});
builder.AddBus("restore", bus =>
{
    bus.AddEndedIdentities();
    bus.AddConsumer<RestorePlannedConsumer>();
    bus.AddConsumer<RestorePlanRefusedConsumer>();
    bus.AddConsumer<RecoveryPointCreatedConsumer>();
    bus.AddConsumer<RecoveryPointExpiredConsumer>();
    bus.AddConsumer<RecoveryPointDeletedConsumer>();
    bus.AddConsumer<RecoveryPointRestoredConsumer>();
    bus.AddConsumer<RecoveryPointPurgedConsumer>();
    bus.AddConsumer<VaultCreatedConsumer>();
    bus.AddConsumer<VaultDeletedConsumer>();
    bus.AddConsumer<MachineRegisteredConsumer>();
});
builder.AddIdentityGate();
builder.Services.AddSingleton<IContractTranslator, RestoreJobContracts>();
builder.Services.AddHostedService<RestoreSweep>();
var blobs = builder.Configuration.GetConnectionString("blobs")
    ?? throw new InvalidOperationException("ConnectionStrings:blobs is not set; the application host gives it.");
builder.Services.AddSingleton(await BlobStores.OpenAsync(blobs));

var app = builder.Build();
app.MapDefaultEndpoints();
app.UseIdentityGate();
app.MapRequestRestore();
app.MapStoreSelection();
app.MapReadRestoreJobs();
app.MapRestoreJobEvents();
app.MapCancelRestore();
app.MapStreamFrames();
app.MapFinishRestore();
await app.RunAsync();
