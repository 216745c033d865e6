using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Home;

/// <summary>
/// Remembers the newest recovery point of each item that this home has seen, so that a platform that was set back, or that
/// shows two machines two histories, is noticed.
/// </summary>
/// <remarks>
/// Measures by what was known when it was made: make it before the platform is asked, for another agent of this home may
/// learn of newer points meanwhile, and an answer from before that is no regress.
/// </remarks>
internal sealed class HeadMemory(AgentHome home)
{
    private readonly Dictionary<string, Head> _seen = home.Heads;

    /// <summary>Checks what the platform offers as the item's newest point (null: none) and remembers it.</summary>
    /// <exception cref="AgentException">It is older than, or another than, what was seen before (exit 7).</exception>
    public void CheckNewest(string item, Manifest? newest, ReadOnlySpan<byte> sealedManifest)
    {
        _seen.TryGetValue(item, out var seen);
        if (newest is null)
        {
            if (seen is not null)
            {
                throw Regress(item, seen.Sequence, 0);
            }

            return;
        }

        if (newest.Sequence < seen?.Sequence)
        {
            throw Regress(item, seen.Sequence, newest.Sequence);
        }

        LearnNewest(item, newest, sealedManifest);
    }

    /// <summary>Checks the newest point that can be read, and remembers it where it is newer than what was seen.</summary>
    /// <exception cref="AgentException">It is another than what was seen (exit 7).</exception>
    public void LearnNewest(string item, Manifest newest, ReadOnlySpan<byte> sealedManifest)
    {
        _seen.TryGetValue(item, out var seen);
        CheckSame(item, newest, sealedManifest, seen);
        if (newest.Sequence > (seen?.Sequence ?? 0))
        {
            Remember(item, newest.Sequence, Manifest.Hash(sealedManifest));
        }
    }

    /// <summary>Checks any point: the one seen as the newest must still be that one.</summary>
    /// <exception cref="AgentException">It is another (exit 7).</exception>
    public void CheckAny(string item, Manifest manifest, ReadOnlySpan<byte> sealedManifest)
    {
        if (_seen.TryGetValue(item, out var seen))
        {
            CheckSame(item, manifest, sealedManifest, seen);
        }
    }

    /// <summary>Checks the number of an item's newest point, of whatever state: one that was deleted is no regress.</summary>
    /// <exception cref="AgentException">It is older than what was seen before (exit 7).</exception>
    public void CheckSequence(string item, long newest)
    {
        if (_seen.TryGetValue(item, out var seen) && newest < seen.Sequence)
        {
            throw Regress(item, seen.Sequence, newest);
        }
    }

    /// <summary>Keeps a newest point, unless the home knows of a newer one.</summary>
    public void Remember(string item, long sequence, byte[] manifestHash)
    {
        var head = new Head(sequence, manifestHash);
        _seen[item] = head;
        home.RaiseHead(item, head);
    }

    private static void CheckSame(string item, Manifest manifest, ReadOnlySpan<byte> sealedManifest, Head? seen)
    {
        var sameSequence = manifest.Sequence == seen?.Sequence && !Manifest.Hash(sealedManifest).AsSpan().SequenceEqual(seen.ManifestHash);
        var successor = manifest.Sequence == seen?.Sequence + 1 && !manifest.PreviousHash.Span.SequenceEqual(seen!.ManifestHash);
        if (sameSequence || successor)
        {
            throw AgentException.Damaged(
                $"The recovery points of item '{item}' are not those that this machine made: number {manifest.Sequence} does not follow "
                + $"from number {seen!.Sequence} as this machine saw it. Somebody changed the vault's history, or two machines use one "
                + "identity. Ask the vault's operator before backing up again.");
        }
    }

    private static AgentException Regress(string item, long seen, long offered) => AgentException.Damaged(
        $"The platform's newest recovery point of item '{item}' is "
        + (offered == 0 ? "gone" : $"number {offered}")
        + $", but this machine has seen number {seen}. The platform was set back to an older state. Ask the vault's operator.");
}
