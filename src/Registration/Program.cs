using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Identity;
using BackupPlatform.RegistrationService;
using BackupPlatform.RegistrationService.Credentials;
using BackupPlatform.RegistrationService.Machines;
using BackupPlatform.RegistrationService.Recovery;
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
    store.AddUsedNonces();
});
builder.AddBus("registration", bus =>
{
    bus.AddEndedIdentities();
    bus.AddConsumer<VaultCreatedConsumer>();
    bus.AddConsumer<VaultClosingConsumer>();
    bus.AddConsumer<VaultDeletedConsumer>();
});
// Here identities end, so here they have ended at once.
builder.AddIdentityGate(fresh: TimeSpan.Zero);
builder.AddTokenSigner(TokenKinds.RegistrationIssuer);
builder.Services.AddSingleton<IContractTranslator, MachineContracts>();
builder.Services.AddLimits(builder.Configuration);
builder.Services.AddAgentEndpoints(builder.Configuration);
builder.Services.AddChallenges(builder.Configuration);
builder.Services.AddSingleton(RequestRates.Read(builder.Configuration));
builder.Services.AddSingleton<RateLimits>();
builder.Services.AddSingleton<ShownCredentials>();
builder.Services.AddSingleton<MachineTokens>();
builder.Services.AddSingleton<RecoverySessions>();
builder.Services.AddSingleton<RecoveryProof>();
builder.Services.AddSingleton<ReplaceMachines>();
builder.Services.AddSingleton<OldKeyHeaders>();
builder.Services.AddHostedService(services => services.GetRequiredService<OldKeyHeaders>());
var blobs = builder.Configuration.GetConnectionString("blobs")
    ?? throw new InvalidOperationException("ConnectionStrings:blobs is not set; the application host gives it.");
builder.Services.AddSingleton(await BlobStores.OpenAsync(blobs));

var app = builder.Build();
app.MapDefaultEndpoints();
app.UseIdentityGate();
app.MapSigningKeys();
app.MapRegisterMachine();
app.MapReadMachines();
app.MapChallengeMachine();
app.MapIssueMachineToken();
app.MapDeregisterMachine();
app.MapChangeKeyHeader();
app.MapChallengeRecovery();
app.MapIssueRecoveryToken();
app.MapReplaceMachine();
await app.RunAsync();
