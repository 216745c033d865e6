using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.RetentionService.Items;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddEventStore("retentiondb", store => store.AddItemRetention());
builder.AddBus("retention", bus => bus.AddConsumer<RecoveryPointCreatedConsumer>());
builder.Services.AddSingleton<IContractTranslator, RetentionContracts>();
builder.Services.AddHostedService<ExpirySweep>();

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapDeleteRecoveryPoint();
await app.RunAsync();
