using BackupPlatform.Contracts;

namespace BackupPlatform.Agent.Platform;

/// <summary>The platform refused a request; trying again would not help.</summary>
internal static class PlatformRefusal
{
    /// <summary>The exception that ends the command, with the exit status of the answer's code.</summary>
    public static AgentException Of(ProblemDocument? problem, int status)
    {
        var code = problem?.Code ?? "failed";
        var detail = problem?.Detail ?? problem?.Title ?? $"The platform answered with status {status}.";
        if (problem?.Errors is { Count: > 0 } errors)
        {
            detail += " " + string.Join(" ", errors.Select(field => $"{field.Key}: {string.Join(", ", field.Value)}."));
        }

        return new AgentException(ExitCodes.OfProblem(problem?.Code), code, detail);
    }
}
