using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace BackupPlatform.Testing;

/// <summary>
/// A tree of everything that Linux keeps and that tools lose: holes, hard links of all kinds, pipes, devices, extended attributes,
/// access control lists, capabilities, odd modes, owners, times and names. Root alone can make it. The same for the same seed.
/// </summary>
public sealed class AwkwardTree
{
    private const long Gibi = 1L << 30;
    private readonly byte[] root;
    private readonly Seed seed;
    private readonly Random random;
    private int number;

    private AwkwardTree(string folder, Seed seed) => (root, this.seed, random) = (Posix.Bytes(folder), seed, seed.Generator(4711));

    /// <summary>Names of regular files that were made.</summary>
    public int Files { get; private set; }

    /// <summary>Writes the tree into <paramref name="folder"/>, which must not be there.</summary>
    /// <param name="small">How many small files there are among the others.</param>
    public static AwkwardTree Write(string folder, Seed seed, int small = 3000)
    {
        var tree = new AwkwardTree(folder, seed);
        Posix.MakeFolder(tree.root);
        tree.MakeDeep();
        tree.MakeSmall(small);
        tree.MakeNames();
        tree.MakeHoles();
        tree.MakeLinks();
        tree.MakeSpecial();
        tree.MakeAttributes();
        tree.MakeModes();
        tree.MakeOwners();
        tree.SetTimes(tree.root);
        return tree;
    }

    private byte[] At(string path) => Posix.Join(root, Encoding.UTF8.GetBytes(path));

    private byte[] Folder(string path)
    {
        Posix.MakeFolder(At(path));
        return At(path);
    }

    private byte[] File(byte[] path, byte[] content)
    {
        using SafeFileHandle file = Posix.CreateFile(path);
        RandomAccess.Write(file, content, 0);
        Files++;
        return path;
    }

    private byte[] Noise(int length) => seed.Bytes(length, ++number);

    private byte[] Name(byte[] existing, byte[] newPath)
    {
        Posix.Link(existing, newPath);
        Files += Posix.Stat(existing).Type == 0x8000 ? 1 : 0;
        return newPath;
    }

    private void MakeDeep()
    {
        byte[] folder = Folder("deep");
        for (int level = 1; level <= 60; level++)
        {
            folder = Posix.Join(folder, Encoding.UTF8.GetBytes($"level {level}"));
            Posix.MakeFolder(folder);
            if (level % 20 == 0) File(Posix.Join(folder, "file"u8), Noise(level));
        }
    }

    private void MakeSmall(int count)
    {
        byte[] many = Folder("many");
        byte[] folder = many;
        for (int i = 0; i < count; i++)
        {
            if (i % 100 == 0) Posix.MakeFolder(folder = Posix.Join(many, Encoding.ASCII.GetBytes($"{i / 100:D3}")));
            File(Posix.Join(folder, Encoding.ASCII.GetBytes($"{i:D5}.txt")), Noise(random.Next(2000)));
        }
    }

    private void MakeNames()
    {
        byte[] folder = Folder("names");
        byte[][] names =
        [
            "new\nline"u8.ToArray(), "\n"u8.ToArray(), " "u8.ToArray(), "-rf"u8.ToArray(), "\\"u8.ToArray(), "*"u8.ToArray(), "..."u8.ToArray(),
            [.. Enumerable.Repeat((byte)'x', 255)], [.. Enumerable.Repeat((byte)0xe9, 255)], [0xff], [0xc3], [0x80, (byte)'a', 0xfe], [1], [0x7f],
            Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("語", 85))), [0xed, 0xb2, 0x80], [0xf4, 0x90, 0x80, 0x80],
        ];
        foreach (byte[] name in names)
        {
            File(Posix.Join(folder, name), Noise(50));
            byte[] below = Posix.Join(folder, [(byte)'d', .. name.AsSpan(0, Math.Min(name.Length, 254))]);
            Posix.MakeFolder(below);
            File(Posix.Join(below, name), Noise(50));
            Posix.MakeLink("\n\u00e9", Posix.Join(folder, [(byte)'l', .. name.AsSpan(0, Math.Min(name.Length, 254))]));
        }
        for (int i = 0; i < 50; i++)
        {
            var name = new byte[random.Next(2, 40)];
            random.NextBytes(name);
            for (int at = 0; at < name.Length; at++) name[at] = name[at] is 0 or (byte)'/' ? (byte)'_' : name[at];
            File(Posix.Join(folder, name), Noise(20));
        }
    }

    private void MakeHoles()
    {
        Folder("holes");
        Sparse("holes/3 GiB", 3 * Gibi, (0, 5000), (Gibi + 4096, 300_000), ((2 * Gibi) + 123, 10));
        Sparse("holes/only a hole", 50 << 20);
        Sparse("holes/hole first", 10 << 20, ((10 << 20) - 100, 100));
        Sparse("holes/hole last", (8 << 20) + 1, (0, 1));
        Sparse("holes/larger than any disk", 8L << 40, (7L << 40, 100));
        Sparse("holes/comb", 200 * 16384, [.. Enumerable.Range(0, 200).Select(i => (i * 16384L, 4096))]);
        Sparse("holes/large parts", 64 << 20, (1 << 20, 3 << 20), (32 << 20, (1 << 20) + 77));
    }

    private void Sparse(string path, long length, params (long At, int Length)[] parts)
    {
        using SafeFileHandle file = Posix.CreateFile(At(path));
        RandomAccess.SetLength(file, length);
        foreach ((long at, int size) in parts) RandomAccess.Write(file, Noise(size), at);
        Files++;
    }

    private void MakeLinks()
    {
        Folder("links");
        Folder("links/a");
        Folder("links/b");
        foreach ((string name, int length) in new[] { ("empty", 0), ("small", 100), ("large", 1 << 20) })
        {
            byte[] first = File(At($"links/b/{name}"), Noise(length));
            Name(first, At($"links/a/{name}"));
            Name(first, At($"links/{name} too"));
        }
        Name(At("holes/comb"), At("links/comb"));
        Posix.MakeLink("nowhere", At("links/a/link"));
        Name(At("links/a/link"), At("links/b/the same link"));
        Posix.MakeLink("nowhere", At("links/another link"));
        Posix.MakeNode(At("links/pipe"), 0x1000);
        Name(At("links/pipe"), At("links/a/the same pipe"));
    }

    private void MakeSpecial()
    {
        Folder("special");
        Posix.MakeNode(At("special/pipe"), 0x1000);
        Posix.MakeNode(At("special/null"), 0x2000, 1, 3);
        Posix.MakeNode(At("special/character"), 0x2000, 511, 1_048_575);
        Posix.MakeNode(At("special/block"), 0x6000, 259, 70_000);
    }

    private void MakeAttributes()
    {
        Folder("attributes");
        byte[] file = File(At("attributes/file"), Noise(10));
        Posix.SetAttribute(file, "user.comment", Encoding.UTF8.GetBytes("hello"));
        Posix.SetAttribute(file, "user.empty", []);
        Posix.SetAttribute(file, "user.ü \n", Noise(300));
        Posix.SetAttribute(file, "trusted.note", [0, 1, 2, 0xff]);
        Posix.SetAttribute(File(At("attributes/many bytes"), Noise(10)), "user.large", Noise(3500));
        Posix.SetAttribute(Folder("attributes/folder"), "user.large", Noise(3000));
        Posix.SetAttribute(File(At("attributes/empty file"), []), "user.large", Noise(2000));
        // A permitted and effective CAP_NET_BIND_SERVICE, as setcap writes it.
        byte[] tool = File(At("attributes/tool"), Noise(2000));
        Posix.SetMode(tool, 0x1ed);
        Posix.SetAttribute(tool, "security.capability", [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        Posix.SetAttribute(File(At("attributes/shared"), Noise(10)), "system.posix_acl_access", AccessList(1000, 7));
        Posix.SetAttribute(Folder("attributes/shared folder"), "system.posix_acl_default", AccessList(2000, 5));
        Posix.SetAttribute(At("attributes/shared folder"), "system.posix_acl_access", AccessList(1000, 3));
        File(At("attributes/shared folder/heir"), Noise(5));
        byte[] none = File(At("attributes/shared folder/none"), Noise(5));
        Posix.SetAttribute(none, "system.posix_acl_access", [2, 0, 0, 0, .. Rule(1, 6), .. Rule(4, 4), .. Rule(0x20, 0)]);
        Posix.MakeLink("file", At("attributes/link"));
        Posix.SetAttribute(At("attributes/link"), "trusted.link", [7]);
        Posix.MakeNode(At("attributes/pipe"), 0x1000);
        Posix.SetAttribute(At("attributes/pipe"), "trusted.pipe", Noise(1500));
    }

    /// <summary>As acl(5) and the kernel write it: owner, one more user, group, mask, others.</summary>
    private static byte[] AccessList(uint user, byte rights) =>
        [2, 0, 0, 0, .. Rule(1, 6), .. Rule(2, rights, user), .. Rule(4, 4), .. Rule(0x10, 7), .. Rule(0x20, 0)];

    private static byte[] Rule(byte tag, byte rights, uint id = uint.MaxValue) => [tag, 0, rights, 0, .. BitConverter.GetBytes(id)];

    private void MakeModes()
    {
        Folder("modes");
        foreach (string octal in new[] { "0", "200", "400", "777", "4755", "2755", "1644", "7777", "6000" })
        {
            uint mode = Convert.ToUInt32(octal, 8);
            Posix.SetMode(File(At($"modes/{octal}"), Noise(30)), mode);
            byte[] folder = Folder($"modes/folder {octal}");
            File(Posix.Join(folder, "in it"u8), Noise(30));
            Posix.SetMode(folder, mode);
        }
    }

    private void MakeOwners()
    {
        Folder("owners");
        foreach ((uint user, uint group) in new[] { (1u, 0u), (0u, 1u), (12_345u, 54_321u), (65_534u, 65_534u), (2_147_483_648u, 4_294_967_294u) })
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"owners/{user}-{group}");
            byte[] file = File(At(name), Noise(10));
            Posix.MakeLink("x", At(name + " link"));
            foreach (byte[] path in new[] { file, Folder(name + " folder"), At(name + " link") }) Posix.SetOwner(path, user, group);
            // A new owner took it away.
            Posix.SetMode(file, Convert.ToUInt32("4711", 8));
        }
    }

    // Children before parents: writing into a folder changes its time. Named pipes and links, too.
    private void SetTimes(byte[] path)
    {
        if (Posix.Stat(path).Type == 0x4000)
        {
            foreach (byte[] name in Posix.Names(path)) SetTimes(Posix.Join(path, name));
        }
        (long seconds, long nanoseconds) = random.Next(6) switch
        {
            // The ends of what ext4 can hold are in 1901 and 2446.
            0 => (random.NextInt64(-2_100_000_000, 0), 999_999_999L),
            1 => (random.NextInt64(9_300_000_000, 15_000_000_000), random.NextInt64(1_000_000_000)),
            2 => (-1L, 999_999_999L),
            3 => (0L, 1L),
            _ => (random.NextInt64(1_000_000_000, 2_000_000_000), random.NextInt64(1_000_000_000)),
        };
        Posix.SetModified(path, seconds, nanoseconds);
    }
}
