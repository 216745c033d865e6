// What Aspire's SDK would generate from the project references; compiled only without it.
namespace Projects;

#pragma warning disable CA1515 // public, as the generated types are

/// <summary>Where the services' projects are, seen from this program's own place in the checkout.</summary>
public abstract class LocalProject(string name) : IProjectMetadata
{
    /// <inheritdoc />
    public string ProjectPath { get; } = Path.GetFullPath(Path.Combine("..", "..", "..", "..", "src", name, name + ".csproj"), AppContext.BaseDirectory);
}

/// <summary>src/Vault.</summary>
public sealed class Vault() : LocalProject("Vault");

/// <summary>src/Registration.</summary>
public sealed class Registration() : LocalProject("Registration");

/// <summary>src/Ingest.</summary>
public sealed class Ingest() : LocalProject("Ingest");

/// <summary>src/Retention.</summary>
public sealed class Retention() : LocalProject("Retention");

/// <summary>src/Restore.</summary>
public sealed class Restore() : LocalProject("Restore");

/// <summary>src/Portal.</summary>
public sealed class Portal() : LocalProject("Portal");
