using Npgsql;

namespace BackupPlatform.IngestService.Data;

/// <summary>
/// Bulk data: what there is a row of for each pack, chunk or change of a backup. It is written in batches with plain SQL, beside
/// the event streams and in the same transactions with them.
/// </summary>
/// <remarks>
/// Order of writes: a pack's blob <b>must</b> be durable before its chunks have index rows, and those <b>must</b> be committed
/// before a recovery point refers to them. Index row and committed pack come in one transaction.
/// </remarks>
internal sealed class IngestSchema(NpgsqlDataSource database) : IHostedService
{
    /// <summary>Any number that nothing else in this database locks.</summary>
    private const long SchemaLock = 0x494E_4745_5354_0001;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Replicas start at once, and "if not exists" alone does not keep two from making the same table.
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.Sql("select pg_advisory_xact_lock($1)", SchemaLock).RunAsync(cancellationToken);
        await connection.Sql(Definition).RunAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private const string Definition = """
        create schema if not exists bulk;

        -- A job as the data plane sees it: whose it is, and whether it is open. Changed with the job's events.
        create table if not exists bulk.jobs (
            id uuid primary key,
            vault_id uuid not null,
            machine_id uuid not null,
            item_id uuid not null,
            open boolean not null,
            touched_at timestamptz not null);
        create index if not exists jobs_open on bulk.jobs (touched_at) where open;

        -- An attempt to store a segment. state: 0 intent, 1 committed, 2 abandoned, 3 lost: committed, and its blob is gone.
        create table if not exists bulk.packs (
            id uuid primary key,
            machine_id uuid not null,
            item_id uuid not null,
            job_id uuid not null,
            segment int not null,
            state smallint not null,
            chunks int not null,
            bytes bigint not null,
            point_id uuid null,
            created_at timestamptz not null);
        create index if not exists packs_job on bulk.packs (job_id);
        create unique index if not exists packs_segment on bulk.packs (job_id, segment) where state = 1;
        create index if not exists packs_unsealed on bulk.packs (item_id) where state = 1 and point_id is null;
        create index if not exists packs_live on bulk.packs (machine_id, id) where state = 1;
        create index if not exists packs_given_up on bulk.packs (created_at) where state in (0, 2);

        -- Where a machine's chunk lies: a whole frame of a committed pack.
        create table if not exists bulk.chunk_index (
            machine_id uuid not null,
            chunk bytea not null,
            pack_id uuid not null,
            pack_offset int not null,
            length int not null,
            primary key (machine_id, chunk));

        -- What had a row in the index until its frame was found to be gone, and where it lay; until the chunk is sent again.
        create table if not exists bulk.lost_chunks (
            machine_id uuid not null,
            chunk bytea not null,
            pack_id uuid not null,
            pack_offset int not null,
            length int not null,
            primary key (machine_id, chunk));

        -- Which recovery points of an item refer to a chunk: those from first to last; last null: up to the newest.
        create table if not exists bulk.spans (
            machine_id uuid not null,
            chunk bytea not null,
            item_id uuid not null,
            first_sequence bigint not null,
            last_sequence bigint null,
            primary key (machine_id, chunk, item_id, first_sequence));

        create table if not exists bulk.recovery_points (
            id uuid primary key,
            subscription_id uuid not null,
            vault_id uuid not null,
            machine_id uuid not null,
            item_id uuid not null,
            item text not null,
            sequence bigint not null,
            job_id uuid not null,
            created_at timestamptz not null,
            chunk_count bigint not null,
            set_hash bytea not null,
            manifest bytea not null,
            stored_bytes bigint not null,
            uploaded_bytes bigint not null,
            unique (item_id, sequence));
        create index if not exists recovery_points_machine on bulk.recovery_points (machine_id, id);
        create index if not exists recovery_points_vault on bulk.recovery_points (vault_id);

        -- What retention says of a recovery point; may come before the point does.
        create table if not exists bulk.point_retention (
            point_id uuid primary key,
            version bigint not null,
            tags text[] not null,
            expires_at timestamptz null,
            expired boolean not null);
        -- Deletion by operators: what the highest version says. purge_at: deleted, can be undeleted until then.
        alter table bulk.point_retention add column if not exists deletion_version bigint not null default 0;
        alter table bulk.point_retention add column if not exists purge_at timestamptz null;
        alter table bulk.point_retention add column if not exists purged boolean not null default false;

        -- Packs that a restore reads; they stay while a row is here.
        create table if not exists bulk.lease_packs (
            lease_id uuid not null,
            pack_id uuid not null,
            primary key (lease_id, pack_id));
        create index if not exists lease_packs_pack on bulk.lease_packs (pack_id);
        """;
}
