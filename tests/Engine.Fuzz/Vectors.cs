using BackupPlatform.Engine.Tests;
using BackupPlatform.Engine.Tests.Catalog;

namespace BackupPlatform.Engine.Fuzz;

/// <summary>Inputs to begin with: the golden vectors, and pages of random trees.</summary>
internal static class Vectors
{
    /// <summary>A golden vector of format version 1.</summary>
    public static byte[] Golden(string name) => Convert.FromHexString(
        string.Concat(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", name + ".hex")).Where(char.IsAsciiHexDigit)));

    /// <summary>Every page of a catalog of a few hundred entries, of all kinds.</summary>
    public static async Task<IReadOnlyCollection<byte[]>> PagesAsync(KeyRing keys)
    {
        var store = new PageStore();
        await store.WriteAsync(keys, RandomTree.Entries(new Random(1), 30));
        await store.WriteAsync(keys, RandomTree.Entries(new Random(2), 3000, maxExtents: 80));
        return [.. store.Pages.Values.OrderBy(page => page.Length).Take(40)];
    }
}
