-- One consumer may serve many recipients (`webhook:wep_...`), each with its own queue and its own
-- pace; a recipient takes the events of one partner only.
alter table kernel.outbox_consumers
    -- Null: events of every partner.
    add column partner_id text,
    -- Nothing is delivered before then: the recipient asked for time, or is out of order.
    add column paused_until timestamptz;
create index outbox_consumers_partner on kernel.outbox_consumers (partner_id);

-- In byte order, so that the recipients of one consumer stand together whatever the database's own
-- order is: one look at each recipient that has something waiting, not at each row.
drop index kernel.outbox_deliveries_due;
create index outbox_deliveries_due on kernel.outbox_deliveries (consumer collate "C", next_at)
    where status = 'pending';
