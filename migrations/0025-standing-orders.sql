-- Standing orders set up at this bank tell more than those loaded from elsewhere did.
create schema if not exists bank;

alter table bank.standing_orders
    add column payee_name text not null default '',
    add column reference text not null default '',
    -- UK Open Banking frequency code; loaded orders are paid on the 5th of each month.
    add column frequency text not null default 'IntrvlMnthDay:01:05',
    add column first_on date,
    add column next_on date,
    add column final_on date,
    add column status text not null default 'active' check (status in ('active', 'inactive'));
