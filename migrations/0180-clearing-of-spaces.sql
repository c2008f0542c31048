-- Every data space of the sandbox is cleared by itself, by its own clock; space '' is the bank's own
-- clearing. Positions and payouts belong to the batch of their date and space.
create schema if not exists bank;

set lock_timeout = '5s';

alter table bank.clearing_batches add column space text collate "C" not null default '';
alter table bank.clearing_batches drop constraint clearing_batches_pkey,
    add primary key (space, business_date);
drop index bank.clearing_one_open;
create unique index clearing_one_open on bank.clearing_batches (space) where state = 'open';
drop index bank.clearing_unfinished;
create index clearing_unfinished on bank.clearing_batches (space, business_date)
    where state <> 'reconciled';

alter table bank.clearing_positions add column space text collate "C" not null default '';
drop index bank.clearing_positions_of_date;
create index clearing_positions_of_date on bank.clearing_positions
    (space, business_date, partner_id, merchant_id);

alter table bank.clearing_payouts add column space text collate "C" not null default '';
drop index bank.clearing_payouts_of_date;
create index clearing_payouts_of_date on bank.clearing_payouts (space, business_date, state);
