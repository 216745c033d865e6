namespace BackupPlatform.Agent.Commands;

/// <summary>The process around a command.</summary>
/// <param name="Terminal">Whether standard output is a terminal: progress bars.</param>
/// <param name="Interactive">Whether somebody can be asked: input and output are a terminal.</param>
internal sealed record AgentHost(
    TextReader Input, TextWriter Output, TextWriter Errors, Func<string, string?> Environment, bool Terminal, bool Interactive)
{
    /// <summary>Standard output for bytes.</summary>
    public Func<Stream> OpenOutput { get; init; } = Console.OpenStandardOutput;

    /// <summary>Standard input for bytes.</summary>
    public Func<Stream> OpenInput { get; init; } = Console.OpenStandardInput;

    public static AgentHost OfProcess() => new(
        Console.In,
        Console.Out,
        Console.Error,
        System.Environment.GetEnvironmentVariable,
        !Console.IsOutputRedirected,
        !Console.IsInputRedirected && !Console.IsOutputRedirected);
}
