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
    // The command ends in order, and the process with it: soon, whatever it waits for. Nothing that it does needs to be ended in order.
    signal.Cancel = true;
    if (interrupted.IsCancellationRequested)
    {
        Environment.Exit(ExitCodes.Interrupted);
    }

    _ = Task.Delay(TimeSpan.FromSeconds(10)).ContinueWith(_ => Environment.Exit(ExitCodes.Interrupted), TaskScheduler.Default);
    interrupted.Cancel();
}
