-- Which processes of the platform live, as each of them says once a second.
create table kernel.heartbeats (
    process text not null,            -- edge, web, worker
    instance text not null,           -- host:pid
    address text not null default '', -- what it listens on
    version text not null,
    started_at timestamptz not null,
    seen_at timestamptz not null,
    detail jsonb not null default '{}',
    primary key (process, instance)
);
