-- Lines of bulk payments, each written before it is sent; and files an order produced.
create schema if not exists orders;

create table orders.lines (
    partner_id text not null,
    order_id text not null,
    line_no integer not null check (line_no > 0),
    payee_account text not null,
    -- null: the account did not exist in the partner's data space when the line was submitted
    ledger_account text,
    amount bigint not null check (amount > 0),
    remark text not null,
    state text not null check (state in ('prepared', 'confirmed', 'failed')),
    reason text,
    group_id uuid,
    -- the order that sends a failed line again; a line is sent again once
    retried_in text check (retried_in is null or state = 'failed'),
    updated_at timestamptz not null,
    primary key (partner_id, order_id, line_no),
    check ((state = 'failed') = (reason is not null))
);
create index lines_to_settle on orders.lines (partner_id, order_id, line_no)
    where state = 'prepared';

create table orders.files (
    partner_id text not null,
    order_id text not null,
    content_type text not null,
    sha256 bytea not null check (length(sha256) = 32),
    content bytea not null,
    created_at timestamptz not null,
    primary key (partner_id, order_id)
);
