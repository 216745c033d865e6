// The whole system on one page: what there is, and who needs whom. Behaviour lives in the services.
var builder = DistributedApplication.CreateBuilder(args);

// Secrets: made at the first start, kept from then on.
var operatorToken = builder.AddParameter("operator-token",
    new GenerateParameterDefault { MinLength = 44, Special = false }, secret: true, persist: true);
var signingSecret = builder.AddParameter("signing-secret",
    new GenerateParameterDefault { MinLength = 44, Special = false }, secret: true, persist: true);

// What holds state: events and read models, messages between services, backed up data.
var postgres = builder.AddPostgres("postgres").WithDataVolume();
var bus = builder.AddRabbitMQ("bus").WithDataVolume();
var blobs = builder.AddAzureStorage("storage").RunAsEmulator(azurite => azurite.WithDataVolume()).AddBlobs("blobs");

// The services, each with a database of its own, and the bus between them.
var vault = Service(builder.AddProject<Projects.Vault>("vault"), "vaultdb");
var registration = Service(builder.AddProject<Projects.Registration>("registration"), "registrationdb");
var ingest = Service(builder.AddProject<Projects.Ingest>("ingest"), "ingestdb");
var retention = Service(builder.AddProject<Projects.Retention>("retention"), "retentiondb");
var restore = Service(builder.AddProject<Projects.Restore>("restore"), "restoredb");

// The operators' pages, and the one address that leads to every service.
var portal = builder.AddProject<Projects.Portal>("portal")
    .WithHttpEndpoint()
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithReference(ingest).WithReference(retention).WithReference(restore);

// Who touches backed up data: key headers, packs and recovery points, restores.
foreach (var service in new[] { registration, ingest, restore })
    service.WithReference(blobs).WaitFor(blobs);

// Tokens are verified everywhere with the keys that vault and registration publish, and signed only there.
foreach (var service in new[] { vault, registration, ingest, retention, restore, portal })
    service.WithReference(vault).WithReference(registration).WithEnvironment("Identity__PlatformOperatorToken", operatorToken);
foreach (var service in new[] { vault, registration })
    service.WithEnvironment("Identity__SigningSecret", signingSecret);

// The addresses that agents are told: in vault credentials, and with each token.
vault.WithEnvironment("AgentEndpoints__Registration__0", registration.GetEndpoint("http"));
registration
    .WithEnvironment("AgentEndpoints__Registration__0", registration.GetEndpoint("http"))
    .WithEnvironment("AgentEndpoints__Ingest__0", ingest.GetEndpoint("http"))
    .WithEnvironment("AgentEndpoints__Restore__0", restore.GetEndpoint("http"));

builder.Build().Run();

IResourceBuilder<ProjectResource> Service(IResourceBuilder<ProjectResource> project, string database)
{
    var ownDatabase = postgres.AddDatabase(database);
    return project
        .WithHttpEndpoint()
        .WithHttpHealthCheck("/health")
        .WithReference(ownDatabase).WaitFor(ownDatabase)
        .WithReference(bus).WaitFor(bus);
}
