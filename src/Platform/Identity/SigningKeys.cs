using System.Security.Cryptography;
using System.Text;
using BackupPlatform.Platform.EventStore;
using BackupPlatform.ServiceDefaults.Identity;
using Marten;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace BackupPlatform.Platform.Identity;

/// <summary>The signing key of a service that issues tokens: made at its first start, the same in all its replicas.</summary>
public static class SigningKeys
{
    /// <summary>Configuration: the secret that wraps the key in the database.</summary>
    private const string SecretKey = "Identity:SigningSecret";

    private const int NonceSize = 12;
    private const int TagSize = 16;

    /// <summary>Adds the service's <see cref="TokenSigner"/>, which can be resolved once the service has started.</summary>
    /// <param name="issuer">One of <see cref="TokenKinds"/>' issuers.</param>
    public static void AddTokenSigner(this IHostApplicationBuilder builder, string issuer)
    {
        var secret = builder.Configuration[SecretKey];
        if (string.IsNullOrEmpty(secret))
        {
            throw new InvalidOperationException($"{SecretKey} is not set; the application host gives it.");
        }

        var wrappingKey = HKDF.DeriveKey(
            HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), 32, info: Encoding.UTF8.GetBytes("backup-platform signing key v1"));
        builder.Services.ConfigureMarten(options => options.Schema.For<SigningKey>());
        builder.Services.AddSingleton(services => new Loader(
            issuer, wrappingKey, services.GetRequiredService<IDocumentStore>(), services.GetRequiredService<TimeProvider>()));
        builder.Services.AddHostedService(services => services.GetRequiredService<Loader>());
        builder.Services.AddSingleton(services => services.GetRequiredService<Loader>().Signer);
    }

    /// <summary>Publishes the public half.</summary>
    public static void MapSigningKeys(this IEndpointRouteBuilder app) =>
        app.MapGet("/.well-known/jwks.json", (TokenSigner signer) => Results.Text(signer.PublicKeys, "application/json"))
            .ExcludeFromDescription();

    private sealed class Loader(string issuer, byte[] wrappingKey, IDocumentStore store, TimeProvider clock) : IHostedService
    {
        private TokenSigner? signer;

        public TokenSigner Signer => signer ?? throw new InvalidOperationException("The service has not started yet.");

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            await InsertUnlessThereAsync(cancellationToken);
            await using var session = store.QuerySession();
            var kept = await session.LoadAsync<SigningKey>(issuer, cancellationToken);
            signer = new TokenSigner(issuer, Unwrap(kept!.Wrapped), clock);
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        /// <remarks>Of replicas that start at once, one inserts, and all read what it inserted.</remarks>
        private async Task InsertUnlessThereAsync(CancellationToken cancellationToken)
        {
            await using var session = store.LightweightSession();
            if (await session.LoadAsync<SigningKey>(issuer, cancellationToken) is not null)
            {
                return;
            }

            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            session.Insert(new SigningKey(issuer, Wrap(key.ExportPkcs8PrivateKey())));
            try
            {
                await session.SaveChangesAsync(cancellationToken);
            }
            catch (Exception e) when (Commands.IsLostRace(e))
            {
                // Another replica was faster; its key is the key.
            }
        }

        private byte[] Wrap(byte[] key)
        {
            var wrapped = new byte[NonceSize + key.Length + TagSize];
            RandomNumberGenerator.Fill(wrapped.AsSpan(0, NonceSize));
            using var aes = new AesGcm(wrappingKey, TagSize);
            aes.Encrypt(
                wrapped.AsSpan(0, NonceSize), key, wrapped.AsSpan(NonceSize, key.Length), wrapped.AsSpan(NonceSize + key.Length),
                Encoding.UTF8.GetBytes(issuer));
            CryptographicOperations.ZeroMemory(key);
            return wrapped;
        }

        private ECDsa Unwrap(byte[] wrapped)
        {
            var key = new byte[wrapped.Length - NonceSize - TagSize];
            using var aes = new AesGcm(wrappingKey, TagSize);
            aes.Decrypt(
                wrapped.AsSpan(0, NonceSize), wrapped.AsSpan(NonceSize, key.Length), wrapped.AsSpan(NonceSize + key.Length), key,
                Encoding.UTF8.GetBytes(issuer));
            var signing = ECDsa.Create();
            signing.ImportPkcs8PrivateKey(key, out _);
            CryptographicOperations.ZeroMemory(key);
            return signing;
        }
    }
}
