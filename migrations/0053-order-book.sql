-- What an order's own steps know, one section a primitive: the loan's principal and schedule, the
-- deposit's interest, a quote, units held. Written by the pure primitives, read by nobody else.
create schema if not exists orders;

set lock_timeout = '2s';
alter table orders.orders add column book jsonb not null default '{}';
