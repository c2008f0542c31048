-- Runs of solutions: orders of orders. One row a run, one journal row a change, one row a child.
-- Two writers of one run cannot both win: each change inserts the journal row of the revision it
-- started from, and the second insert violates solution_one_writer.
create schema if not exists orders;

create table orders.solution_runs (
    partner_id text not null,
    run_id text not null,
    -- '' is the partner itself
    tenant_id text not null,
    app_id text not null,
    environment text not null,
    solution text not null,
    -- the assembly as it was when the run began; a newer one never changes its steps
    definition jsonb not null,
    run_no text,
    key text not null,
    request_hash bytea not null check (octet_length(request_hash) = 32),
    content_hash bytea not null check (octet_length(content_hash) = 32),
    state text not null check (state in ('running', 'waiting', 'completed', 'stopped',
        'compensating', 'compensated', 'reconciling')),
    code text,
    input jsonb not null,
    -- credentials of the request, sealed; empty once the run has ended
    sealed bytea not null,
    branches jsonb not null,
    revision integer not null check (revision > 0),
    event_seq integer not null,
    wake_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint solution_run_once primary key (partner_id, run_id),
    constraint solution_run_ended_is_quiet check (
        state not in ('completed', 'stopped', 'compensated')
        or (wake_at is null and octet_length(sealed) = 0))
);
create unique index solution_run_key
    on orders.solution_runs (partner_id, tenant_id, app_id, key);
create unique index solution_run_no
    on orders.solution_runs (partner_id, tenant_id, run_no) where run_no is not null;
create index solution_runs_to_wake
    on orders.solution_runs (wake_at, partner_id, run_id) where wake_at is not null;

create table orders.solution_journal (
    partner_id text not null,
    run_id text not null,
    -- the run's revision before this change
    revision integer not null,
    state text not null,
    -- the branches that changed, as they are now
    branches jsonb not null,
    at timestamptz not null,
    constraint solution_one_writer primary key (partner_id, run_id, revision)
);

-- Which runs wait for an order: its events wake them.
create table orders.solution_children (
    partner_id text not null,
    order_id text not null,
    run_id text not null,
    step_id text not null,
    constraint solution_child_once primary key (partner_id, order_id, run_id, step_id)
);
create index solution_children_of_run on orders.solution_children (partner_id, run_id);
