using BackupPlatform.Contracts;

namespace BackupPlatform.Agent.Tests;

public class ExitCodesTests
{
    [Theory]
    [InlineData(ProblemCodes.DailyBackupLimit, 4)]
    [InlineData(ProblemCodes.RecoveryPointLimit, 4)]
    [InlineData(ProblemCodes.MachineLimit, 4)]
    [InlineData(ProblemCodes.ItemLimit, 4)]
    [InlineData(ProblemCodes.CredentialsExpired, 5)]
    [InlineData(ProblemCodes.CredentialsInvalid, 5)]
    [InlineData("credentials-revoked", 5)]
    [InlineData(ProblemCodes.Unauthenticated, 5)]
    [InlineData(ProblemCodes.Forbidden, 5)]
    [InlineData(ProblemCodes.Integrity, 7)]
    [InlineData(ProblemCodes.Unavailable, 8)]
    [InlineData("rate-limited", 8)]
    [InlineData(ProblemCodes.MachineExists, 1)]
    [InlineData(ProblemCodes.Conflict, 1)]
    [InlineData(ProblemCodes.NotFound, 1)]
    [InlineData("a code of next year", 1)]
    [InlineData(null, 1)]
    public void GivenAProblemsCode_WhenTheCommandEnds_ThenTheExitStatusIsThePromisedOne(string? code, int status) =>
        Assert.Equal(status, ExitCodes.OfProblem(code));

    [Fact]
    public void GivenAnInterruption_WhenTheCommandEnds_ThenTheExitStatusIs130()
    {
        using var interrupted = new CancellationTokenSource();
        interrupted.Cancel();
        Assert.Equal(130, Commands.CommandRunner.Translate(new OperationCanceledException(), interrupted.Token)?.ExitStatus);
        Assert.Null(Commands.CommandRunner.Translate(new OperationCanceledException(), CancellationToken.None));
    }
}
