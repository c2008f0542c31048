-- The standing order that is due first in a data space of the sandbox: its clock is its own.
create schema if not exists bank;

set lock_timeout = '5s';

create index standing_orders_due_in_space
    on bank.standing_orders (partner_id, (coalesce(pay_on, next_on)), standing_order_id)
    where status = 'active' and next_on is not null and partner_id like 'sbx\_%';
