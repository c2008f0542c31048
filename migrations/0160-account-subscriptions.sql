-- Subscriptions to an account's entries: which orders are told, and up to which entry they were.
create schema if not exists orders;

set lock_timeout = '2s';
create table orders.subscriptions (
    partner_id text not null,
    order_id text not null,
    ledger_account text not null,
    -- The account's last entry that was told; it moves in the commit that tells.
    sequence bigint not null check (sequence >= 0),
    primary key (partner_id, order_id)
);
