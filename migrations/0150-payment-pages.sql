-- Hosted payment pages: one a waiting collected order. Only the hash of the address's secret stands
-- here; who knows the address sees amount, payee and order, and pays as a customer who logs in.
create schema if not exists orders;

create table orders.payment_pages (
    partner_id text not null,
    order_id text not null,
    key_hash bytea not null,
    created_at timestamptz not null,
    primary key (partner_id, order_id)
);
-- The address names no partner; 256 random bits lead to one row.
create index payment_pages_by_key on orders.payment_pages (key_hash);
