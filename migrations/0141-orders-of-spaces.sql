-- What waits in the data spaces of sandbox apps: their clocks are their own, so each is asked apart.
set lock_timeout = '5s';

create index orders_wake_of_space on orders.orders (partner_id, wake_at, order_id)
    where wake_at is not null and partner_id like 'sbx\_%';
create index orders_due_of_space on orders.orders (partner_id, due_on, order_id)
    where due_on is not null and waits_for is not null and partner_id like 'sbx\_%';
