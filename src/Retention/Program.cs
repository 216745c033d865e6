using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Identity;
using BackupPlatform.RetentionService.Items;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddEventStore("retentiondb", store => store.AddItemRetention());
builder.AddBus("retention", bus =>
{
    bus.AddEndedIdentities();
    bus.AddConsumer<RecoveryPointCreatedConsumer>();
});
builder.AddIdentityGate();
builder.Services.AddSingleton<IContractTranslator, RetentionContracts>();
builder.Services.AddHostedService<ExpirySweep>();

var app = builder.Build();
app.MapDefaultEndpoints();
app.UseIdentityGate();
app.MapDeleteRecoveryPoint();
await app.RunAsync();
