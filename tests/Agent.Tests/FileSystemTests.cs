using System.Diagnostics;
using System.Text;
using BackupPlatform.Agent.Files;

namespace BackupPlatform.Agent.Tests;

public sealed class FileSystemTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void GivenAFile_WhenStatIsRead_ThenItIsWhatTheSystemSays()
    {
        var file = _folder.Write("file", "twelve bytes");
        File.SetUnixFileMode(file, (UnixFileMode)0b100_101_010_011);
        Run("touch", "-d", "2001-02-03 04:05:06.123456789 UTC", file);
        var stat = FileSystem.Stat(FileSystem.CurrentDirectory, Encoding.UTF8.GetBytes(file));
        Assert.Equal(FileKind.File, stat.Kind);
        Assert.Equal(12, stat.Size);
        Assert.Equal(981173106123456789L, stat.ModificationNanoseconds);
        var expected = Run("stat", "-c", "%a %u %g %i", file).Trim();
        Assert.Equal(expected, $"{Convert.ToString(stat.Mode, 8)} {stat.User} {stat.Group} {stat.Inode}");
    }

    [Fact]
    public void GivenATimeBefore1970_WhenSetAndRead_ThenItIsThatTime()
    {
        _folder.Write("file", "");
        using var directory = FileSystem.OpenDirectoryFollowing(_folder.Bytes);
        FileSystem.SetTime(directory, "file"u8, -1_500_000_001);
        Assert.Equal(-1_500_000_001, FileSystem.Stat(directory, "file"u8).ModificationNanoseconds);
    }

    [Fact]
    public void GivenNamesOfAnyBytes_WhenListed_ThenEachCanBeOpened()
    {
        byte[][] names = [[0xff], [(byte)'a', 0x80, 0xfe], "\n\t"u8.ToArray(), [.. Enumerable.Repeat((byte)0xe9, 255)]];
        foreach (var name in names)
        {
            _folder.CreateNamed(name);
        }

        using var directory = FileSystem.OpenDirectoryFollowing(_folder.Bytes);
        var listed = FileSystem.Names(directory);
        listed.Sort(SourceSelection.ByteOrder);
        Assert.Equal(names.Order(SourceSelection.ByteOrder), listed);
        foreach (var name in listed)
        {
            FileSystem.OpenForReading(directory, name).Dispose();
            FileSystem.Remove(directory, name);
        }
    }

    [Fact]
    public void GivenASymbolicLink_WhenOpenedByName_ThenItIsRefused()
    {
        _folder.Write("secret", "x");
        Directory.CreateDirectory(_folder.At("dir"));
        File.CreateSymbolicLink(_folder.At("link"), "secret");
        File.CreateSymbolicLink(_folder.At("dirlink"), "dir");
        using var directory = FileSystem.OpenDirectoryFollowing(_folder.Bytes);
        Assert.Equal(Libc.ErrorLoop, Assert.Throws<FileError>(() => FileSystem.OpenForReading(directory, "link"u8)).Number);
        Assert.Equal(Libc.ErrorLoop, Assert.Throws<FileError>(() => FileSystem.OpenForWriting(directory, "link"u8)).Number);
        Assert.Throws<FileError>(() => FileSystem.OpenDirectory(directory, "dirlink"u8));
        Assert.Equal("secret"u8.ToArray(), FileSystem.ReadLink(directory, "link"u8));
        Assert.Equal(FileKind.SymbolicLink, FileSystem.Stat(directory, "link"u8).Kind);
    }

    [Fact]
    public void GivenAFifo_WhenOpenedForReading_ThenItDoesNotWait()
    {
        Run("mkfifo", _folder.At("pipe"));
        using var directory = FileSystem.OpenDirectoryFollowing(_folder.Bytes);
        using var pipe = FileSystem.OpenForReading(directory, "pipe"u8);
        Assert.Equal(FileKind.Fifo, FileSystem.Stat(pipe).Kind);
    }

    [Fact]
    public void GivenATakenName_WhenRenamedWithoutReplacing_ThenBothStay()
    {
        _folder.Write("a", "new");
        _folder.Write("b", "old");
        using var directory = FileSystem.OpenDirectoryFollowing(_folder.Bytes);
        Assert.False(FileSystem.Rename(directory, "a"u8, "b"u8, replace: false));
        Assert.Equal("old", File.ReadAllText(_folder.At("b")));
        Assert.True(FileSystem.Rename(directory, "a"u8, "b"u8, replace: true));
        Assert.Equal("new", File.ReadAllText(_folder.At("b")));
    }

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }
}
