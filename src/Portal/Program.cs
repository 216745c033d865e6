using BackupPlatform.Portal.Pages;
using BackupPlatform.Portal.Proxy;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddApiProxy();
builder.Services.AddPages();

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapApiProxy();
app.MapPages();
await app.RunAsync();
