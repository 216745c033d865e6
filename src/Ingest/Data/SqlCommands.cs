using Npgsql;

namespace BackupPlatform.IngestService.Data;

/// <summary>Plain SQL with numbered parameters.</summary>
internal static class SqlCommands
{
    /// <summary>The longest that one statement over a whole backup may take, in seconds.</summary>
    private const int BulkTimeout = 1_800;

    /// <summary>A command outside of a transaction, on a connection of its own.</summary>
    public static NpgsqlCommand Sql(this NpgsqlDataSource database, string text, params object?[] values) =>
        With(database.CreateCommand(text), values);

    /// <summary>A command in the connection's transaction.</summary>
    public static NpgsqlCommand Sql(this NpgsqlConnection connection, string text, params object?[] values) =>
        With(new NpgsqlCommand(text, connection), values);

    /// <summary>A command in the connection's transaction whose work is in proportion to a backup.</summary>
    public static NpgsqlCommand Bulk(this NpgsqlConnection connection, string text, params object?[] values)
    {
        var command = connection.Sql(text, values);
        command.CommandTimeout = BulkTimeout;
        return command;
    }

    /// <summary>Runs a command that answers no rows, and disposes of it.</summary>
    /// <returns>How many rows it changed.</returns>
    public static async Task<int> RunAsync(this NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using (command)
        {
            return await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private static NpgsqlCommand With(NpgsqlCommand command, object?[] values)
    {
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        return command;
    }
}
