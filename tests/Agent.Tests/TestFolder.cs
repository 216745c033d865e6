using System.Text;
using BackupPlatform.Agent.Files;

namespace BackupPlatform.Agent.Tests;

/// <summary>A folder of the real file system that goes away with the test.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("agent-tests-").FullName;

    public byte[] Bytes => Encoding.UTF8.GetBytes(Path);

    public string At(string relative) => System.IO.Path.Combine(Path, relative);

    public byte[] BytesOf(string relative) => Encoding.UTF8.GetBytes(At(relative));

    public string Write(string relative, string content)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(At(relative))!);
        File.WriteAllText(At(relative), content);
        return At(relative);
    }

    /// <summary>Creates an empty file whose name is any bytes.</summary>
    public void CreateNamed(byte[] name)
    {
        using var directory = FileSystem.OpenDirectoryFollowing(Bytes);
        FileSystem.CreateNew(directory, name).Dispose();
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
