-- Reconciliation reads the journal of some hours: rows arrive in the order of time, so a block range
-- index finds them and costs nothing to keep.
create schema if not exists orders;

set lock_timeout = '5s';

create index journal_by_time on orders.journal using brin (at) with (pages_per_range = 16);
