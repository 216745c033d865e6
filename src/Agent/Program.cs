using System.Runtime.InteropServices;
using BackupPlatform.Agent;
using BackupPlatform.Agent.Commands;

using var interrupted = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
using var export = Tracing.Export(Environment.GetEnvironmentVariable);
return await CommandLine.RunAsync(ProcessArguments.Exact(args), AgentHost.OfProcess(), interrupted.Token);

void Interrupt(PosixSignalContext signal)
{
    // The command ends in order, and the process with it.
    signal.Cancel = true;
    interrupted.Cancel();
}
