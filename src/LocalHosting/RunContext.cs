using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace BackupPlatform.LocalHosting;

/// <summary>One run of a platform: where its state is, which ports and secrets it has, where it reports.</summary>
internal sealed class RunContext
{
    private readonly Dictionary<string, string> _secrets;

    public RunContext(DataDirectory data, Ports ports, PlatformConsole console)
    {
        (Data, Ports, Console) = (data, ports, console);
        _secrets = DataDirectory.ReadJson<Dictionary<string, string>>(data.SecretsFile);
    }

    public DataDirectory Data { get; }

    public Ports Ports { get; }

    public PlatformConsole Console { get; }

    /// <summary>What every process of this run carries in its environment.</summary>
    public string Mark => $"{DataDirectory.MarkVariable}={Data.RunId}";

    public string UrlOf(string name) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Ports[name]}");

    /// <summary>The value given in the environment as <c>Parameters__name</c> (a '-' written as '_'), or the generated one.</summary>
    public string Parameter(ParameterResource parameter)
    {
        var given = Environment.GetEnvironmentVariable("Parameters__" + parameter.Name.Replace('-', '_'));
        return string.IsNullOrEmpty(given) ? Secret(parameter.Name, parameter.Default.GetDefaultValue) : given;
    }

    /// <summary>A secret of this platform, made when it is first asked for and kept.</summary>
    public string Secret(string name, Func<string> make)
    {
        lock (_secrets)
        {
            if (_secrets.TryGetValue(name, out var known)) return known;
            var made = _secrets[name] = make();
            DataDirectory.WriteJson(Data.SecretsFile, new SortedDictionary<string, string>(_secrets));
            return made;
        }
    }

    /// <summary>A password of letters and digits for a part that only this platform talks to.</summary>
    public string Password(string name) => Secret(name, new GenerateParameterDefault { MinLength = 32, Special = false }.GetDefaultValue);
}
