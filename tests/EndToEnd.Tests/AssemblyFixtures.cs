using BackupPlatform.EndToEnd.Tests;
using BackupPlatform.Testing;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
[assembly: AssemblyFixture(typeof(SharedPlatform))]

// Each test drives the one platform as its users would; side by side they would only measure the machine.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace BackupPlatform.EndToEnd.Tests
{
    /// <summary>The platform that the tests of a run share.</summary>
    public sealed class SharedPlatform() : PlatformProcess([], new Dictionary<string, string?>());
}
