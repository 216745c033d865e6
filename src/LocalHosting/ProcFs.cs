using System.Globalization;
using System.Text;

namespace BackupPlatform.LocalHosting;

/// <summary>What the kernel tells about processes.</summary>
internal static class ProcFs
{
    /// <summary>When a process started, in clock ticks since boot: with the id it names a process for good, as ids are reused.</summary>
    /// <returns>Null when there is no such process, or it has ended and only waits to be collected.</returns>
    public static long? StartTime(int processId)
    {
        var fields = StatFields(processId);
        return fields is null || fields[0] is "Z" or "X" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
    }

    /// <summary>The running processes that carry a mark in their environment, and those that descend from them.</summary>
    public static HashSet<int> WithMark(string mark)
    {
        var wanted = Encoding.UTF8.GetBytes(mark + '\0');
        var parents = new Dictionary<int, int>();
        var found = new HashSet<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id)) continue;
            if (StatFields(id) is not { } fields || fields[0] is "Z" or "X") continue;
            parents[id] = int.Parse(fields[1], CultureInfo.InvariantCulture);
            if (HasVariable(Read(folder + "/environ"), wanted)) found.Add(id);
        }

        for (var before = -1; before != found.Count;)
        {
            before = found.Count;
            found.UnionWith(parents.Where(entry => found.Contains(entry.Value)).Select(entry => entry.Key).ToList());
        }

        return found;
    }

    /// <summary>The command line of a process, or nothing.</summary>
    public static string CommandLine(int processId) =>
        Encoding.UTF8.GetString(Read($"/proc/{processId}/cmdline")).Replace('\0', ' ').Trim();

    private static bool HasVariable(ReadOnlySpan<byte> environment, ReadOnlySpan<byte> wanted)
    {
        for (var start = 0; start < environment.Length;)
        {
            if (environment[start..].StartsWith(wanted)) return true;
            var end = environment[start..].IndexOf((byte)0);
            if (end < 0) return false;
            start += end + 1;
        }

        return false;
    }

    /// <summary>The fields after the name, which may hold spaces and parentheses: state, parent, …</summary>
    private static string[]? StatFields(int processId)
    {
        var stat = Encoding.UTF8.GetString(Read($"/proc/{processId}/stat"));
        var afterName = stat.LastIndexOf(')');
        return afterName < 0 ? null : stat[(afterName + 2)..].Split(' ');
    }

    private static byte[] Read(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return []; // it ended meanwhile, or belongs to somebody else
        }
    }
}
