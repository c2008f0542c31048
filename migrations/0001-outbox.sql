-- Events committed with the change they tell of; kernel/outbox relays them to consumers.
create schema if not exists kernel;

create table kernel.outbox (
    partner_id text not null,
    event_id text not null,
    type text not null,
    v smallint not null,
    object_id text not null,
    -- 1, 2, 3 ... within the object: consumers see an object's events in this order.
    object_seq bigint not null check (object_seq > 0),
    body jsonb not null,
    created_at timestamptz not null default now(),
    -- Null until the relay made the event's deliveries, one for each consumer that wants it.
    relayed_at timestamptz,
    primary key (partner_id, event_id),
    unique (partner_id, object_id, object_seq)
);

-- The relay looks only at what is new; identity order is not commit order, so it keeps no cursor.
create index outbox_new on kernel.outbox (created_at) where relayed_at is null;
create index outbox_new_object on kernel.outbox (partner_id, object_id, object_seq)
    where relayed_at is null;

-- Whom events go to: any relay makes deliveries for all of them, also for other workers' consumers.
create table kernel.outbox_consumers (
    name text primary key,
    -- Beginnings of event types; '' is every type.
    types text[] not null
);

create table kernel.outbox_deliveries (
    partner_id text not null,
    event_id text not null,
    consumer text not null,
    object_id text not null,
    object_seq bigint not null,
    -- dead: its schedule is used up; it waits for somebody to replay it.
    status text not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
    attempts smallint not null default 0,
    -- When it may be tried (again). A claim moves it ahead, so a dead relay's claim lapses.
    next_at timestamptz not null,
    last_error text,
    finished_at timestamptz,
    primary key (partner_id, event_id, consumer)
);

create index outbox_deliveries_due on kernel.outbox_deliveries (consumer, next_at)
    where status = 'pending';
create index outbox_deliveries_object
    on kernel.outbox_deliveries (consumer, partner_id, object_id, object_seq)
    where status = 'pending';
create index outbox_deliveries_dead on kernel.outbox_deliveries (finished_at)
    where status = 'dead';
