using System.Collections.Concurrent;
using BackupPlatform.Contracts;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace BackupPlatform.EndToEnd.Tests;

/// <summary>Hears every message between the services, headers and all, from now on.</summary>
internal sealed class BusTap : IAsyncDisposable
{
    private readonly IConnection connection;
    private readonly ConcurrentQueue<byte[]> messages = new();

    private BusTap(IConnection connection) => this.connection = connection;

    /// <summary>What was heard.</summary>
    public IReadOnlyCollection<byte[]> Messages => messages;

    public static async Task<BusTap> OpenAsync(string rabbitmq)
    {
        var connection = await new ConnectionFactory { Uri = new Uri(rabbitmq) }.CreateConnectionAsync();
        var tap = new BusTap(connection);
        var channel = await connection.CreateChannelAsync();
        var queue = (await channel.QueueDeclareAsync()).QueueName;
        foreach (var type in typeof(IContract).Assembly.GetTypes().Where(type => type is { IsClass: true } && type.IsAssignableTo(typeof(IContract))))
        {
            // An exchange for each kind of message, as MassTransit names them; declared as it declares them, so that none is missed.
            var exchange = $"{type.Namespace}:{type.Name}";
            await channel.ExchangeDeclareAsync(exchange, ExchangeType.Fanout, durable: true);
            await channel.QueueBindAsync(queue, exchange, "");
        }

        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            var headers = string.Join('\n', delivery.BasicProperties.Headers?.Select(header => $"{header.Key}: {Text(header.Value)}") ?? []);
            tap.messages.Enqueue([.. System.Text.Encoding.UTF8.GetBytes(headers), .. delivery.Body.Span]);
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(queue, autoAck: true, consumer);
        return tap;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await connection.CloseAsync();
        }
        catch (AlreadyClosedException)
        {
            // The bus went first.
        }

        await connection.DisposeAsync();
    }

    private static string Text(object? value) => value is byte[] bytes ? System.Text.Encoding.UTF8.GetString(bytes) : $"{value}";
}
