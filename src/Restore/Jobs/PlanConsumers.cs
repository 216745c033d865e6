using BackupPlatform.Contracts.Ingest;
using BackupPlatform.Platform.EventStore;
using Marten;
using MassTransit;

namespace BackupPlatform.RestoreService.Jobs;

/// <summary>Ingest has planned a job: its stream can be opened.</summary>
internal sealed class RestorePlannedConsumer(IDocumentStore store, TimeProvider clock) : IConsumer<RestorePlanned>
{
    public Task Consume(ConsumeContext<RestorePlanned> context)
    {
        var fact = context.Message;
        return store.DecideAsync<RestoreJob>(
            fact.RestoreJobId,
            state => RestoreJob.AcceptPlan(state, fact.PlanBlob, fact.Chunks, fact.Bytes, clock.GetUtcNow()),
            context.CancellationToken);
    }
}

/// <summary>Ingest cannot plan a job: it fails.</summary>
internal sealed class RestorePlanRefusedConsumer(IDocumentStore store, TimeProvider clock) : IConsumer<RestorePlanRefused>
{
    public Task Consume(ConsumeContext<RestorePlanRefused> context)
    {
        var fact = context.Message;
        return store.DecideAsync<RestoreJob>(
            fact.RestoreJobId,
            state => RestoreJob.RefusePlan(state, fact.Code, fact.Reason, clock.GetUtcNow()),
            context.CancellationToken);
    }
}
