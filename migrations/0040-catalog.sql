-- Compiled snapshots and the life-cycle state of products (room `catalog`).
create schema if not exists catalog;

create table catalog.snapshots (
    version bigint primary key,
    built_at timestamptz not null,
    -- SHA-256 of what the snapshot says; equal content is not published twice.
    content_hash bytea not null check (octet_length(content_hash) = 32),
    blob bytea not null
);
-- Blobs are signed and nearly incompressible (keys); compressing them would only cost time.
alter table catalog.snapshots alter column blob set storage external;

-- A product without a row is live.
create table catalog.product_states (
    product_id text primary key,
    state text not null check (state in ('live', 'offline')),
    reason text not null,
    changed_at timestamptz not null
);
