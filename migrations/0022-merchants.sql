-- Merchants: who collects, where the money goes, and who may share in it.
create schema if not exists bank;

create table bank.merchants (
    partner_id text not null,
    merchant_id text not null,
    tenant_id text,
    customer_id text not null,
    name_zh text not null,
    name_en text not null,
    currency text not null,
    settlement_account text not null,
    pending_ledger_account text not null,
    fee_rate_bp integer check (fee_rate_bp between 0 and 1000),
    split_share_max_bp integer not null default 3000 check (split_share_max_bp between 0 and 10000),
    created_at timestamptz not null,
    primary key (partner_id, merchant_id),
    foreign key (partner_id, customer_id) references bank.customers,
    foreign key (partner_id, settlement_account) references bank.accounts,
    constraint merchants_pending_ledger_account unique (pending_ledger_account)
);

create table bank.merchant_receivers (
    partner_id text not null,
    merchant_id text not null,
    account_id text not null,
    relation text not null,
    registered_at timestamptz not null,
    primary key (partner_id, merchant_id, account_id),
    foreign key (partner_id, merchant_id) references bank.merchants,
    foreign key (partner_id, account_id) references bank.accounts
);
