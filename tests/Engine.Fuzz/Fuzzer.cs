using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using BackupPlatform.Testing;

namespace BackupPlatform.Engine.Fuzz;

/// <summary>
/// Feeds a parser with changed inputs for a while. The parser may take them or refuse them with the exceptions it declares; anything
/// else, and memory out of proportion, is a finding. Inputs that are answered in a new way are changed further.
/// </summary>
/// <param name="target">What is fuzzed, for people.</param>
/// <param name="refusals">The exceptions that the parser declares.</param>
internal sealed partial class Fuzzer(string target, params Type[] refusals)
{
    private const int MaxCorpus = 512;
    private const int MaxLength = 64 * 1024;

    private static readonly TimeSpan Duration = Environment.GetEnvironmentVariable("BACKUP_PLATFORM_LONG_TESTS") == "1"
        ? TimeSpan.FromSeconds(30)
        : TimeSpan.FromSeconds(1);

    /// <summary>Bytes that one call may allocate.</summary>
    public long MaxAllocated { get; init; } = 32 << 20;

    /// <param name="seeds">Inputs that the parser takes.</param>
    /// <param name="parse">Parses one input; what it returns tells apart what happened (the shape of the result, say).</param>
    public void Run(IReadOnlyCollection<byte[]> seeds, Func<byte[], object?> parse)
    {
        var seed = Seed.New(line => TestContext.Current.TestOutputHelper?.WriteLine(line));
        var random = seed.Random;
        var corpus = new List<byte[]>(seeds);
        var seen = new HashSet<string>();
        foreach (var input in seeds)
        {
            Assert.False(Answer(input, parse, seed) is var answer && answer.StartsWith('!'), $"{target} refuses an input it should take: {answer}");
            seen.Add(answer);
        }

        var inputs = 0;
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Duration; inputs++)
        {
            var input = Mutation.Of(corpus[random.Next(corpus.Count)], corpus[random.Next(corpus.Count)], random);
            if (input.Length > MaxLength) continue;
            if (seen.Add(Answer(input, parse, seed)) && corpus.Count < MaxCorpus) corpus.Add(input);
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{target}: {inputs:N0} inputs, {seen.Count} different answers"));
        Assert.True(inputs > 0);
    }

    private string Answer(byte[] input, Func<byte[], object?> parse, Seed seed)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        string answer;
        try
        {
            answer = string.Create(CultureInfo.InvariantCulture, $"{parse(input)}");
        }
        catch (Exception e) when (Array.Exists(refusals, refusal => refusal.IsInstanceOfType(e)))
        {
            // The same words about other numbers and names are the same answer.
            answer = "!" + Variable().Replace(e.Message, "#");
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            throw new InvalidOperationException($"{target} failed on {Convert.ToHexString(input)} ({seed})", e);
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= MaxAllocated, $"{target} allocated {allocated:N0} bytes on {Convert.ToHexString(input)} ({seed})");
        return answer;
    }

    [GeneratedRegex("[0-9a-f]{8,}|[0-9]+")]
    private static partial Regex Variable();
}
