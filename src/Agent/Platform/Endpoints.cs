using BackupPlatform.Contracts.Registration;

namespace BackupPlatform.Agent.Platform;

/// <summary>The services that an agent talks to.</summary>
internal enum Service
{
    Registration,
    Ingest,
    Restore,
}

/// <summary>Where each service can be reached just now, the address that answered last first. Safe for many threads.</summary>
internal sealed class Endpoints(AgentEndpoints addresses)
{
    private readonly Lock _lock = new();
    private readonly int[] _preferred = new int[3];
    private AgentEndpoints _addresses = addresses;

    /// <summary>Takes what the platform said last; where it says nothing of a service, what was known stays.</summary>
    public AgentEndpoints Update(AgentEndpoints news)
    {
        lock (_lock)
        {
            _addresses = new AgentEndpoints(
                news.Registration.Count > 0 ? news.Registration : _addresses.Registration,
                news.Ingest.Count > 0 ? news.Ingest : _addresses.Ingest,
                news.Restore.Count > 0 ? news.Restore : _addresses.Restore);
            return _addresses;
        }
    }

    public int Count(Service service) => Of(service).Count;

    public Uri Current(Service service)
    {
        lock (_lock)
        {
            var all = Of(service);
            return all.Count > 0
                ? all[_preferred[(int)service] % all.Count]
                : throw AgentException.Unreachable($"The platform has not said where its {Name(service)} service is. Try again later.");
        }
    }

    /// <summary>Turns to the next address, unless somebody did since <paramref name="failed"/> was current.</summary>
    public void Fail(Service service, Uri failed)
    {
        lock (_lock)
        {
            if (Of(service).Count > 0 && Current(service) == failed)
            {
                _preferred[(int)service]++;
            }
        }
    }

    public static string Name(Service service) => service switch
    {
        Service.Registration => "registration",
        Service.Ingest => "ingest",
        _ => "restore",
    };

    private IReadOnlyList<Uri> Of(Service service) => service switch
    {
        Service.Registration => _addresses.Registration,
        Service.Ingest => _addresses.Ingest,
        _ => _addresses.Restore,
    };
}
