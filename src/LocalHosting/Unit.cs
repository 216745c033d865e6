using System.Diagnostics;

namespace BackupPlatform.LocalHosting;

/// <summary>A part of the platform that is a process: how it is prepared, started, found healthy, and stopped.</summary>
internal abstract class Unit(string name)
{
    /// <summary>Its name: of its log file, and of the dependency on it.</summary>
    public string Name { get; } = name;

    /// <summary>The parts that must be healthy before it starts. It is stopped before them.</summary>
    public virtual IReadOnlyList<string> DependsOn => [];

    /// <summary>The names under which it has ports.</summary>
    public virtual IReadOnlyList<string> PortNames => [Name];

    /// <summary>What asks it to stop in order.</summary>
    public virtual int StopSignal => Posix.Terminate;

    /// <summary>Puts in place what it needs, before every start of its process.</summary>
    public virtual Task PrepareAsync(RunContext run, CancellationToken cancel) => Task.CompletedTask;

    /// <summary>The command to run.</summary>
    public abstract ProcessStartInfo Command(RunContext run);

    /// <summary>Whether it serves.</summary>
    public abstract Task<bool> IsHealthyAsync(RunContext run, CancellationToken cancel);
}
