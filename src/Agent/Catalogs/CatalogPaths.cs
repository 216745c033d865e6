using BackupPlatform.Agent.Files;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Catalogs;

/// <summary>Between the machine's absolute paths and the catalog's, which begin below the root.</summary>
internal static class CatalogPaths
{
    /// <summary>The absolute path of an entry.</summary>
    public static byte[] Absolute(CatalogPath path) => [PathBytes.Separator, .. path.Span];

    /// <summary>The catalog's path of an absolute one.</summary>
    public static CatalogPath Of(ReadOnlyMemory<byte> absolute) => new(absolute[1..]);

    /// <summary>
    /// The catalog's path for what a person wrote: a path as it was on the source. Without a leading separator it begins at
    /// the root, too.
    /// </summary>
    public static CatalogPath Of(string argument) => Of(PathBytes.Absolute(PathText.Encode(argument), PathBytes.Root));

    public static string ForPeople(CatalogPath path) => PathText.ForPeople(Absolute(path));
}
