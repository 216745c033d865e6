using BackupPlatform.Platform.Bus;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.Platform.Identity;
using BackupPlatform.ServiceDefaults.Identity;
using BackupPlatform.VaultService;
using BackupPlatform.VaultService.Credentials;
using BackupPlatform.VaultService.Subscriptions;
using BackupPlatform.VaultService.Vaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddEventStore("vaultdb", store =>
{
    store.AddSubscriptions();
    store.AddVaults();
    store.AddCredentials();
});
builder.AddBus("vault", bus =>
{
    bus.AddEndedIdentities();
    bus.AddConsumer<VaultClosingAnsweredConsumer>();
});
builder.AddIdentityGate();
builder.AddTokenSigner(TokenKinds.VaultIssuer);
builder.Services.AddSingleton<IContractTranslator, VaultContracts>();
builder.Services.AddLimits(builder.Configuration);
builder.Services.Configure<AgentAddress>(builder.Configuration.GetSection(AgentAddress.Section));

var app = builder.Build();
app.MapDefaultEndpoints();
app.UseIdentityGate();
app.MapSigningKeys();
app.MapCreateSubscription();
app.MapListSubscriptions();
app.MapCreateVault();
app.MapReadVaults();
app.MapDeleteVault();
app.MapIssueCredentials();
app.MapListCredentials();
app.MapRevokeCredentials();
await app.RunAsync();
