using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Identity;
using BackupPlatform.RegistrationService;
using BackupPlatform.RegistrationService.Machines;
using BackupPlatform.RegistrationService.Tokens;
using BackupPlatform.RegistrationService.Vaults;
using BackupPlatform.ServiceDefaults.Identity;
using BackupPlatform.Storage;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddEventStore("registrationdb", store =>
{
    store.AddVaultRosters();
    store.AddMachines();
    store.AddReadModel<KnownVault>();
});
builder.AddBus("registration", bus => bus.AddConsumer<VaultCreatedConsumer>());
builder.AddTokenSigner(TokenKinds.RegistrationIssuer);
builder.Services.AddSingleton<IContractTranslator, MachineContracts>();
builder.Services.AddLimits(builder.Configuration);
builder.Services.AddAgentEndpoints(builder.Configuration);
builder.Services.AddChallenges(builder.Configuration);
var blobs = builder.Configuration.GetConnectionString("blobs")
    ?? throw new InvalidOperationException("ConnectionStrings:blobs is not set; the application host gives it.");
builder.Services.AddSingleton(await BlobStores.OpenAsync(blobs));

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapSigningKeys();
app.MapRegisterMachine();
app.MapReadMachines();
app.MapChallengeMachine();
app.MapIssueMachineToken();
await app.RunAsync();
