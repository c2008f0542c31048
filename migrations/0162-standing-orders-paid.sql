-- Standing orders are paid by the clock: when one is tried next, and how often its date was tried.
create schema if not exists bank;

set lock_timeout = '2s';
alter table bank.standing_orders
    -- Null: on its date, or the first working day after it.
    add column pay_on date,
    add column tries smallint not null default 0 check (tries >= 0);
create index standing_orders_due
    on bank.standing_orders ((coalesce(pay_on, next_on)), partner_id, standing_order_id)
    where status = 'active' and next_on is not null;
