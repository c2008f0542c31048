-- A load test that a sandbox app announced: how fast it may call, and until when.
set lock_timeout = '5s';

alter table partners.sandboxes
    add column load_rate integer not null default 0 check (load_rate >= 0),
    add column load_until timestamptz;
