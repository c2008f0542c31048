-- Solutions that were put together by data and installed: the bank's own ('' as partner, offered to
-- everybody) and those of single partners. Every installation is a version; the newest one counts,
-- and runs keep the version they began with.
create schema if not exists catalog;

create table catalog.solutions (
    partner_id text not null,
    solution_id text not null,
    version integer not null check (version > 0),
    definition jsonb not null,
    installed_at timestamptz not null,
    primary key (partner_id, solution_id, version)
);
