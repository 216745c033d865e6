using System.Text;
using BackupPlatform.Agent.Commands;
using BackupPlatform.Agent.Home;
using BackupPlatform.Contracts.Registration;
using BackupPlatform.Engine;

namespace BackupPlatform.Agent.Registration;

/// <summary>What <c>passphrase change</c> was asked for.</summary>
/// <param name="PassphraseFile">With another one for the new passphrase, the present one; alone, the new one.</param>
internal sealed record PassphraseOptions(string? PassphraseFile, string? NewPassphraseFile, bool Generate, string? PassphraseOut)
{
    public bool AreNone => this is { PassphraseFile: null, NewPassphraseFile: null, Generate: false, PassphraseOut: null };

    public string? PresentFile => NewPassphraseFile is not null || Generate ? PassphraseFile : null;

    public string? NewFile => NewPassphraseFile ?? (Generate ? null : PassphraseFile);

    /// <exception cref="AgentException">The options contradict each other, or one is missing (exit 2).</exception>
    public void Check()
    {
        var fault = this switch
        {
            { Generate: true, NewPassphraseFile: not null } => "Give either --new-passphrase-file or --generate-passphrase.",
            { Generate: true, PassphraseOut: null } => "Say where the generated passphrase is to be written: --passphrase-out FILE.",
            { Generate: false, PassphraseOut: not null } => "--passphrase-out needs --generate-passphrase.",
            { Generate: false, NewFile: null } =>
                "Give the new passphrase with --new-passphrase-file FILE, or let one be made with --generate-passphrase --passphrase-out FILE.",
            _ => null,
        };
        if (fault is not null)
        {
            throw AgentException.Usage(fault);
        }
    }
}

/// <summary>
/// Changes the passphrase: the master key is wrapped anew, and nothing else changes. The new header is in the home, and a made
/// passphrase in its file, before the platform hears of it; whatever happens between any two steps, the same command again
/// leads to the same result.
/// </summary>
internal sealed class PassphraseChange(CommandContext context, MachineSession session)
{
    private const int MaxAttempts = 5;

    private readonly AgentHome _home = context.Home;

    /// <summary>With a passphrase of one's own.</summary>
    /// <exception cref="AgentException">It is the present one.</exception>
    public Task RunAsync(string passphrase, CancellationToken cancellation) => IsPresent(passphrase)
        ? throw AgentException.Failed("That is the present passphrase: nothing was changed. Choose another one.", "conflict")
        : RunAsync(passphrase, null, cancellation);

    /// <summary>With one made at random, in a new file.</summary>
    public async Task RunGeneratedAsync(string file, CancellationToken cancellation)
    {
        if (PassphraseFiles.TryRead(file) is not { } kept)
        {
            await RunAsync(Passphrase.Generate(), file, cancellation);
            return;
        }

        // Made by this command before it was broken off; or the present one, or somebody else's.
        if (IsPresent(kept))
        {
            throw PassphraseFiles.Taken(file);
        }

        if (!IsPending(kept)
            && !Opens((await session.Registration.GetKeyHeaderAsync(session.MachineId, cancellation)).KeyHeader, kept))
        {
            throw PassphraseFiles.Taken(file);
        }

        await RunAsync(kept, null, cancellation);
    }

    /// <summary>Refuses a present passphrase that is wrong, unless the change was made already and only not finished.</summary>
    /// <param name="next">The new one, where it is known.</param>
    /// <exception cref="WrongPassphraseException">It is not the machine's.</exception>
    public void CheckPresent(string present, string? next)
    {
        if (!IsOfMachine(present) && (next is null || !(IsOfMachine(next) || IsPending(next))))
        {
            throw new WrongPassphraseException();
        }
    }

    /// <summary>Whether it opens the machine already, and not only because a change was broken off at its end.</summary>
    private bool IsPresent(string passphrase) => IsOfMachine(passphrase) && !IsPending(passphrase);

    private bool IsOfMachine(string passphrase) => Opens(session.Machine.KeyHeader, passphrase);

    private bool IsPending(string passphrase) => _home.PendingKeyHeader is { } pending && Opens(pending.KeyHeader, passphrase);

    private bool Opens(byte[] header, string passphrase)
    {
        if (Passphrase.Validate(passphrase) is not null
            || !KeyHeader.Parse(header).TryUnwrap(passphrase, session.MachineId, out var masterKey))
        {
            return false;
        }

        masterKey.Dispose();
        return true;
    }

    /// <param name="newFile">Where the passphrase is kept, as soon as its header is in the home; null: it is.</param>
    private async Task RunAsync(string passphrase, string? newFile, CancellationToken cancellation)
    {
        var pending = IsPending(passphrase) ? _home.PendingKeyHeader : null;
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var present = await session.Registration.GetKeyHeaderAsync(session.MachineId, cancellation);
            if (Opens(present.KeyHeader, passphrase))
            {
                Keep(present.KeyHeader);
                return;
            }

            if (pending?.Revision != present.Revision + 1)
            {
                _home.PendingKeyHeader = pending = Wrap(passphrase, present.Revision + 1);
            }

            if (attempt == 1 && newFile is not null)
            {
                PassphraseFiles.Write(newFile, passphrase);
            }

            if (await TellAsync(pending, cancellation))
            {
                Keep(pending.KeyHeader);
                return;
            }
        }

        throw AgentException.Failed("The passphrase is being changed elsewhere at the same time. Run the command again.", "conflict");
    }

    private void Keep(byte[] header)
    {
        _home.Machine = session.Machine with { KeyHeader = header };
        _home.PendingKeyHeader = null;
    }

    private PendingKeyHeader Wrap(string passphrase, int revision)
    {
        using var masterKey = MasterKey.Import(session.Machine.MasterKey);
        return new PendingKeyHeader(revision, KeyHeader.Create(masterKey, passphrase, session.MachineId).ToArray());
    }

    private async Task<bool> TellAsync(PendingKeyHeader pending, CancellationToken cancellation)
    {
        var proof = RecoveryProofs.KeyHeader(session.MachineId, pending.Revision, pending.KeyHeader);
        var answer = await session.Registration.ChangeKeyHeaderAsync(
            session.MachineId,
            new ChangeKeyHeader(pending.Revision, pending.KeyHeader, session.Keys.SignRecovery(Encoding.UTF8.GetBytes(proof))),
            cancellation);
        return answer is not null && answer.KeyHeader.AsSpan().SequenceEqual(pending.KeyHeader);
    }
}
