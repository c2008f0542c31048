-- A withdrawn solution begins no run any more; runs that began go on as they were.
create schema if not exists catalog;

set lock_timeout = '2s';
alter table catalog.solutions add column withdrawn_at timestamptz;
