-- A bank's own APIs: descriptions, what products are served by, credentials, keys (room `catalog`).
set local lock_timeout = '2s';
create schema if not exists catalog;

-- Descriptions as they were read, compressed; the id is the hash of the file.
create table catalog.api_descriptions (
    sha256 text primary key check (length(sha256) = 64),
    content bytea not null
);
alter table catalog.api_descriptions alter column content set storage external;

create table catalog.imports (
    product_id text not null,
    sha256 text not null references catalog.api_descriptions (sha256),
    file text not null,
    imported_by text not null,
    imported_at timestamptz not null,
    primary key (product_id, imported_at, sha256)
);

-- What a product version is served by: made once, its id made of its content.
create table catalog.upstreams (
    id text primary key,
    product_id text not null,
    content bytea not null,
    created_at timestamptz not null
);
alter table catalog.upstreams alter column content set storage external;

-- Sealed under the installation's key for `upstream:<product>`.
create table catalog.upstream_credentials (
    product_id text primary key,
    sealed bytea not null,
    set_by text not null,
    set_at timestamptz not null
);

-- Answers that differed from their description in the sandbox; nothing of an answer stands here.
create table catalog.upstream_mismatches (
    product_id text not null,
    operation text not null,
    said text not null,
    seen bigint not null,
    last_at timestamptz not null,
    primary key (product_id, operation, said)
);

-- Idempotency keys of forwarded writes, kept as long as those of orders.
create table catalog.forwarded_keys (
    partner_id text not null,
    tenant_id text not null,
    app_id text not null,
    operation text not null,
    key text not null,
    request_hash bytea not null check (octet_length(request_hash) = 32),
    state text not null check (state in ('running', 'unknown', 'answered')),
    status integer not null default 0,
    answer bytea not null default '',
    began_at timestamptz not null,
    primary key (partner_id, tenant_id, app_id, operation, key)
);
create index forwarded_keys_by_age on catalog.forwarded_keys (began_at);
