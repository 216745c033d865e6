using System.Globalization;
using System.Reflection;

namespace BackupPlatform.Contracts.Tests;

/// <summary>A value of any contract or document, the same at every run: each field tells its own name or place.</summary>
internal static class Sample
{
    private static readonly DateTimeOffset Instant = new(2026, 3, 1, 12, 30, 45, 678, TimeSpan.Zero);

    /// <param name="withNulls">Whether what may be absent is.</param>
    public static object Of(Type type, bool withNulls = false)
    {
        var constructor = type.GetConstructors().OrderByDescending(candidate => candidate.GetParameters().Length).First();
        var parameters = constructor.GetParameters();
        var nullability = new NullabilityInfoContext();
        return constructor.Invoke([.. parameters.Select((parameter, place) =>
            withNulls && nullability.Create(parameter).ReadState == NullabilityState.Nullable
                ? null
                : Value(parameter.ParameterType, parameter.Name!, place + 1, withNulls))]);
    }

    private static object Value(Type type, string name, int place, bool withNulls)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type switch
        {
            _ when type == typeof(string) => $"{name} <&> ä \"\\",
            _ when type == typeof(Guid) => Guid.Parse(string.Create(CultureInfo.InvariantCulture, $"0197f000-0000-7000-8000-{place:D12}")),
            _ when type == typeof(DateTimeOffset) => Instant.AddSeconds(place),
            _ when type == typeof(int) => place,
            _ when type == typeof(long) => (1L << 40) + place,
            _ when type == typeof(bool) => true,
            _ when type == typeof(byte[]) => new byte[] { 0, 127, 128, 255, (byte)place },
            _ when type == typeof(Uri) => new Uri($"http://{name.ToUpperInvariant()}.test:1234/a%20b"),
            _ when type == typeof(IReadOnlyDictionary<string, string[]>) => new Dictionary<string, string[]> { [name] = ["one", "two"] },
            { IsEnum: true } => Enum.GetValues(type).GetValue(Enum.GetValues(type).Length - 1)!,
            { IsGenericType: true } when type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) =>
                ListOf(type.GetGenericArguments()[0], name, place, withNulls),
            _ => Of(type, withNulls),
        };
    }

    private static Array ListOf(Type element, string name, int place, bool withNulls)
    {
        var list = Array.CreateInstance(element, 2);
        list.SetValue(Value(element, name + "1", place, withNulls), 0);
        list.SetValue(Value(element, name + "2", place + 1, withNulls), 1);
        return list;
    }
}
