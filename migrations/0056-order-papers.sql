-- Papers of orders: numbers of invoices, one-time codes that were used, and who holds what.
create schema if not exists orders;

set lock_timeout = '2s';
-- 15 digits of a fully digital invoice's number; gaps are allowed, a number is never given twice.
create sequence orders.invoice_serials minvalue 1 maxvalue 999999999999999;

-- A one-time code is used once, by whichever order was first.
create table orders.codes_used (
    partner_id text not null,
    code_id text not null,
    order_id text not null,
    at timestamptz not null,
    constraint codes_used_once primary key (partner_id, code_id)
);

-- Instruments by holder: the keys of shares are account ids.
create index orders_of_holder on orders.orders using gin (shares) where scope like 'instr:%';
