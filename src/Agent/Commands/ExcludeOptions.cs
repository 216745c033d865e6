using System.CommandLine;
using BackupPlatform.Agent.Files;

namespace BackupPlatform.Agent.Commands;

/// <summary>What a backup is told to leave out.</summary>
internal sealed record ExcludeOptions(Option<string[]> Patterns, Option<string[]> Files, Option<bool> Caches)
{
    public static ExcludeOptions Create() => new(
        new Option<string[]>("--exclude")
        {
            Description = "Leave out what matches; may be given several times", HelpName = "PATTERN", Arity = ArgumentArity.OneOrMore,
        },
        new Option<string[]>("--exclude-file")
        {
            Description = "Leave out what matches a line of a file; '#' begins a comment; may be given several times",
            HelpName = "FILE",
            Arity = ArgumentArity.OneOrMore,
        },
        new Option<bool>("--exclude-caches") { Description = "Leave out the content of directories that are marked with a CACHEDIR.TAG" });

    /// <exception cref="AgentException">A pattern is none, or a file cannot be read.</exception>
    public ExcludeRules Read(ParseResult parsed)
    {
        var rules = new ExcludeRules { Caches = parsed.GetValue(Caches) };
        foreach (var file in parsed.GetValue(Files) ?? [])
        {
            Try($"--exclude-file {file}: ", () => rules.AddFile(PathText.Encode(file)));
        }

        foreach (var pattern in parsed.GetValue(Patterns) ?? [])
        {
            Try("--exclude: ", () => rules.Add(PathText.Encode(pattern)));
        }

        return rules;
    }

    private static void Try(string what, Action add)
    {
        try
        {
            add();
        }
        catch (Exception e) when (e is FormatException or IOException)
        {
            throw AgentException.Usage(what + e.Message);
        }
    }
}
