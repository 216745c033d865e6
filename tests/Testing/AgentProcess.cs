using System.Diagnostics;
using System.Text.Json;

namespace BackupPlatform.Testing;

/// <summary>What one run of the agent came to.</summary>
/// <param name="ExitCode">See the agent's table of exit statuses.</param>
/// <param name="Lines">Its JSON lines.</param>
/// <param name="Output">All of standard output, for messages and for what is no JSON.</param>
/// <param name="Error">All of standard error.</param>
public sealed record AgentResult(int ExitCode, IReadOnlyList<JsonElement> Lines, byte[] Output, string Error)
{
    /// <summary>The last line of type <c>summary</c>.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public JsonElement Summary => LastOf("summary");

    /// <summary>The last line of type <c>error</c>.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public JsonElement Failure => LastOf("error");

    /// <summary>The lines of a type, in order.</summary>
    public IEnumerable<JsonElement> OfType(string type) =>
        Lines.Where(line => line.TryGetProperty("type", out JsonElement value) && value.ValueEquals(type));

    /// <summary>This, when the agent ended as expected.</summary>
    /// <exception cref="InvalidOperationException">It ended otherwise: with all it said.</exception>
    public AgentResult Expect(int exitCode = 0) => ExitCode == exitCode
        ? this
        : throw new InvalidOperationException($"The agent ended with {ExitCode}, not {exitCode}:\n{Text}");

    private string Text => System.Text.Encoding.UTF8.GetString(Output) + Error;

    private JsonElement LastOf(string type)
    {
        JsonElement[] lines = [.. OfType(type)];
        return lines.Length > 0 ? lines[^1] : throw new InvalidOperationException($"The agent wrote no line of type {type}:\n{Text}");
    }
}

/// <summary>Runs the built agent.</summary>
/// <param name="executable">Its path.</param>
/// <param name="home">Its home; another home is another machine.</param>
/// <param name="variables">Environment variables to set.</param>
public sealed class AgentProcess(string executable, string home, IReadOnlyDictionary<string, string?>? variables = null)
{
    /// <summary>The home.</summary>
    public string Home { get; } = home;

    /// <summary>How long a run may take before it is killed.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>Runs a command with <c>--json</c>, to its end.</summary>
    /// <exception cref="TimeoutException">It took longer than <see cref="Timeout"/> and was killed.</exception>
    public Task<AgentResult> RunAsync(params string[] arguments) => RunAsync(arguments, null, CancellationToken.None);

    /// <summary>Runs a command with <c>--json</c>, to its end, with something on standard input. Cancelling kills it.</summary>
    /// <exception cref="TimeoutException">It took longer than <see cref="Timeout"/> and was killed.</exception>
    public async Task<AgentResult> RunAsync(IReadOnlyList<string> arguments, Stream? input, CancellationToken cancellationToken)
    {
        using Process process = Start(arguments);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Timeout);
        using var output = new MemoryStream();
        Task readOutput = process.StandardOutput.BaseStream.CopyToAsync(output, CancellationToken.None);
        Task<string> readError = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await FeedAsync(process, input, limit.Token);
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await Task.WhenAll(readOutput, readError, process.WaitForExitAsync(CancellationToken.None));
            cancellationToken.ThrowIfCancellationRequested();
            throw new TimeoutException($"The agent ran longer than {Timeout}:\n{Text(output)}{await readError}");
        }
        await readOutput;
        return new AgentResult(process.ExitCode, JsonLines(Text(output)), output.ToArray(), await readError);
    }

    /// <summary>Starts a command with <c>--json</c> and leaves it running: to be killed or signalled. All three streams are pipes.</summary>
    public Process Start(params IReadOnlyList<string> arguments)
    {
        // Options of ours come before a "--", behind which they would be another command's.
        int end = arguments.ToList().IndexOf("--");
        if (end < 0) end = arguments.Count;
        var start = new ProcessStartInfo(executable, [.. arguments.Take(end), "--home", Home, "--json", .. arguments.Skip(end)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string? value) in variables ?? new Dictionary<string, string?>()) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static async Task FeedAsync(Process process, Stream? input, CancellationToken cancellationToken)
    {
        try
        {
            if (input is not null) await input.CopyToAsync(process.StandardInput.BaseStream, cancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it read everything; its exit status says why.
        }
    }

    private static string Text(MemoryStream output) => System.Text.Encoding.UTF8.GetString(output.GetBuffer(), 0, (int)output.Length);

    private static List<JsonElement> JsonLines(string output)
    {
        var lines = new List<JsonElement>();
        foreach (string line in output.Split('\n'))
        {
            if (line.StartsWith('{')) lines.Add(JsonSerializer.Deserialize<JsonElement>(line));
        }
        return lines;
    }
}
