-- Tax a bulk payment keeps back from a line: paid to the authority once the line was paid.
create schema if not exists orders;

set lock_timeout = '2s';
alter table orders.lines add column withheld bigint not null default 0 check (withheld >= 0);
