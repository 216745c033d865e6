using System.Text.Json;
using BackupPlatform.Agent.Catalogs;
using BackupPlatform.Agent.Output;

namespace BackupPlatform.Agent.Commands;

/// <summary>
/// Which recovery point it is that something comes from, as its manifest says. Elsewhere than on the machine nobody remembers
/// which one was the newest: so people are told its number and its age.
/// </summary>
internal sealed record PointOrigin(Guid Id, string Machine, string Item, long Sequence, DateTimeOffset CreatedAt, TimeSpan Age)
{
    public static PointOrigin Of(ReadingSession session, OpenedPoint point, DateTimeOffset now) => new(
        point.Id,
        session.MachineName,
        point.Manifest.Item,
        point.Manifest.Sequence,
        point.Manifest.CreatedAt,
        now > point.Manifest.CreatedAt ? now - point.Manifest.CreatedAt : TimeSpan.Zero);

    public string Text =>
        $"Recovery point {Id} of {Machine}, item '{Item}', number {Sequence}, made {Humane.Time(CreatedAt)}, {Humane.Age(Age)} ago";

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteString("recoveryPointId", Id);
        writer.WriteString("machine", Machine);
        writer.WriteString("item", Item);
        writer.WriteNumber("sequence", Sequence);
        writer.WriteString("createdAt", CreatedAt);
        writer.WriteNumber("ageSeconds", (long)Age.TotalSeconds);
    }
}
