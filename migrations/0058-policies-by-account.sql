-- Policies and claims are looked for by the account that pays or is paid.
create schema if not exists orders;

set lock_timeout = '2s';
create index orders_of_policy_account on orders.orders (partner_id, (roles ->> 'account'))
    where scope like 'policy:%';
