-- Evidence is about one content of a product version, and all of it is kept: what the platform ran
-- (``run``: seed, counts, faults) beside what people vouch for. Evidence from before names no content
-- (digest null) and meets no gate any more.
set lock_timeout = '2s';

alter table catalog.product_evidence drop constraint product_evidence_pkey;
alter table catalog.product_evidence add column id bigint generated always as identity primary key;
alter table catalog.product_evidence add column digest bytea check (octet_length(digest) = 32);
alter table catalog.product_evidence add column passed boolean not null default true;
alter table catalog.product_evidence add column run jsonb;
create index product_evidence_of_version on catalog.product_evidence (product_id, version, id);

-- Data spaces made to prove a version in: their calls are the platform's own, nobody's use of it.
-- removed_at null: the run still goes on, or was killed; the next run removes what it left.
create table catalog.proving_grounds (
    space_id text collate "C" primary key,
    parent_id text collate "C" not null,
    app_id text collate "C" not null,
    product_id text collate "C" not null,
    version integer not null,
    made_at timestamptz not null,
    removed_at timestamptz
);
create index proving_grounds_open on catalog.proving_grounds (made_at) where removed_at is null;
create index proving_grounds_of_product on catalog.proving_grounds (product_id);
