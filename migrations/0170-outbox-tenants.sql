-- A recipient may take the events of one tenant of its partner only.
alter table kernel.outbox_consumers
    -- Null: events of every tenant, and those that name none.
    add column tenant_id text;

-- What was sent to one recipient, newest first: its partner pages through it.
create index outbox_deliveries_recipient on kernel.outbox_deliveries (consumer, event_id);
