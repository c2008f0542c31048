-- Orders: product definitions at work. One row an order, one journal row a step, one row a key.
-- Two writers of one order cannot both win: each change inserts journal rows under the revision it
-- started from, and the second insert of that revision violates journal_one_writer.
create schema if not exists orders;

create table orders.orders (
    partner_id text not null,
    order_id text not null,
    tenant_id text,
    app_id text not null,
    psu_id text,
    product text not null,
    product_version integer not null,
    family text not null,
    state text not null check (state in ('created', 'running', 'waiting', 'completed', 'refused',
        'compensating', 'compensated', 'reconciling', 'expired')),
    status text not null,
    -- the steps of the product version the order began with; a newer version never changes them
    plan jsonb not null,
    position smallint not null check (position >= 0),
    waits_for text,
    wake_at timestamptz,
    due_on date,
    -- the partner's own number, unique within its scope (its orders, the refunds of one order ...)
    scope text not null,
    reference text,
    content_hash bytea not null,
    -- the ledger account the order is about: payer of a transfer, merchant of a collection
    subject text not null,
    parent_id text,
    currency text not null,
    amount bigint not null check (amount >= 0),
    paid bigint not null default 0,
    refunded bigint not null default 0,
    split bigint not null default 0,
    pending bigint not null default 0,
    held bigint not null default 0,
    settled bigint not null default 0,
    fee bigint not null default 0,
    requests smallint not null default 0,
    shares jsonb not null,
    terms jsonb not null,
    roles jsonb not null,
    input jsonb not null,
    output jsonb not null,
    revision integer not null check (revision > 0),
    event_seq integer not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (partner_id, order_id),
    constraint orders_never_over_refunded check (refunded between 0 and paid),
    constraint orders_never_negative
        check (split >= 0 and pending >= 0 and held >= 0 and settled >= 0 and fee >= 0),
    constraint orders_terminal_is_quiet check (
        state not in ('completed', 'refused', 'compensated', 'expired')
        or (waits_for is null and wake_at is null))
);
create unique index orders_reference on orders.orders (partner_id, scope, reference)
    where reference is not null;
create index orders_of_product on orders.orders (partner_id, product, order_id);
create index orders_of_subject on orders.orders (partner_id, subject, order_id);
create index orders_of_parent on orders.orders (partner_id, parent_id)
    where parent_id is not null;
create index orders_to_wake on orders.orders (wake_at, partner_id, order_id)
    where wake_at is not null;
create index orders_to_settle on orders.orders (due_on, partner_id, order_id)
    where due_on is not null and waits_for is not null;

create table orders.journal (
    partner_id text not null,
    order_id text not null,
    -- the order's revision before this change: its attempt number
    revision integer not null,
    n smallint not null,
    step_id text not null,
    use text not null,
    status text not null check (status in ('done', 'refused', 'failed', 'reversed')),
    reference text,
    content_hash bytea,
    group_id uuid,
    output jsonb not null,
    at timestamptz not null,
    constraint journal_one_writer primary key (partner_id, order_id, revision, n)
);
-- A split, return or capture number of the partner is used once an order.
create unique index journal_reference on orders.journal (partner_id, order_id, use, reference)
    where reference is not null and status = 'done';

create function orders.journal_is_append_only() returns trigger
language plpgsql as $$
begin
    raise exception 'the journal of orders is append-only';
end $$;
create trigger journal_is_append_only before update or delete on orders.journal
    for each row execute function orders.journal_is_append_only();

create table orders.idempotency (
    partner_id text not null,
    tenant_id text not null,
    app_id text not null,
    operation text not null,
    key text not null,
    request_hash bytea not null,
    status smallint not null,
    answer text not null,
    order_id text,
    created_at timestamptz not null,
    constraint idempotency_key_once primary key (partner_id, tenant_id, app_id, operation, key)
);
create index idempotency_by_age on orders.idempotency (created_at);

-- What a payer or merchant has moved today under one product; the check is the day's limit.
create table orders.usage (
    partner_id text not null,
    product text not null,
    subject text not null,
    currency text not null,
    day date not null,
    spent bigint not null check (spent >= 0),
    ceiling bigint not null,
    primary key (partner_id, product, subject, currency, day),
    constraint usage_within_day_limit check (spent <= ceiling)
);
create index usage_by_day on orders.usage (day);
