-- The life cycle of product versions: where each stands, who agreed to its moves, whom it was told
-- to, and the proof that one that went is gone (room `catalog`). A shipped product without a row is
-- version 1, live, as its definition in the package says.
create schema if not exists catalog;

set lock_timeout = '2s';

create table catalog.product_versions (
    product_id text collate "C" not null,
    version integer not null check (version > 0),
    kind text not null,
    state text not null check (state in ('draft', 'review', 'sandbox', 'canary', 'live',
        'deprecated', 'offline')),
    -- null: the definition that the package ships
    definition jsonb,
    author text not null,
    note text not null,
    -- partners who try it, and beside them this share of all (basis points)
    pilots text[] not null default '{}',
    share integer not null default 0 check (share between 0 and 10000),
    successor text not null default '',
    deprecated_at timestamptz,
    sunset_at timestamptz,
    offline_at timestamptz,
    -- counts the changes: agreements are given to one revision, events are numbered by it
    revision integer not null default 1,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    primary key (product_id, version),
    check (state not in ('deprecated', 'offline') or (deprecated_at is not null
        and sunset_at is not null)),
    check (state <> 'offline' or offline_at is not null)
);
-- Callers meet at most one version on trial beside the one that stands.
create unique index product_versions_one_on_trial
    on catalog.product_versions (product_id) where state in ('sandbox', 'canary');
create unique index product_versions_one_live
    on catalog.product_versions (product_id) where state = 'live';
create unique index product_versions_one_draft
    on catalog.product_versions (product_id) where state in ('draft', 'review');

-- Who agreed to which move of which revision, on which terms.
create table catalog.product_agreements (
    product_id text collate "C" not null,
    version integer not null,
    revision integer not null,
    to_state text not null,
    person_id text not null,
    terms jsonb not null,
    reason text not null,
    at timestamptz not null,
    primary key (product_id, version, revision, to_state, person_id)
);

-- What happened, with the answer to "who is touched" as it was then.
create table catalog.product_moves (
    product_id text collate "C" not null,
    version integer not null,
    revision integer not null,
    from_state text not null,
    to_state text not null,
    people text[] not null,
    reason text not null,
    impact jsonb not null,
    at timestamptz not null,
    primary key (product_id, version, revision)
);

-- What somebody vouches for before a version leaves the sandbox or goes live.
create table catalog.product_evidence (
    product_id text collate "C" not null,
    version integer not null,
    what text not null,
    reference text not null,
    person_id text not null,
    at timestamptz not null,
    primary key (product_id, version, what)
);

-- Whom the end of a product was told to, and who agreed in writing to an earlier one.
create table catalog.product_notices (
    product_id text collate "C" not null,
    version integer not null,
    partner_id text collate "C" not null,
    state text not null,
    at timestamptz not null,
    primary key (product_id, version, partner_id, state)
);
create table catalog.product_waivers (
    product_id text collate "C" not null,
    version integer not null,
    partner_id text collate "C" not null,
    key_id text not null,
    text text not null,
    signature bytea not null,
    at timestamptz not null,
    primary key (product_id, version, partner_id)
);

-- One document a withdrawn version. The evidence log does not exist yet; this table keeps it.
create table catalog.offline_proofs (
    product_id text collate "C" not null,
    version integer not null,
    document jsonb not null,
    sha256 bytea not null check (octet_length(sha256) = 32),
    at timestamptz not null,
    primary key (product_id, version)
);

-- How many facts about a product were told: events of one object are numbered without gaps.
create table catalog.product_facts (
    product_id text collate "C" primary key,
    told bigint not null
);

-- Stopped at once, whatever its state, until somebody lets it run again.
create table catalog.suspensions (
    product_id text collate "C" primary key,
    reason text not null,
    person_id text not null,
    at timestamptz not null
);
insert into catalog.suspensions (product_id, reason, person_id, at)
    select product_id, reason, '', changed_at from catalog.product_states where state = 'offline';
drop table catalog.product_states;
