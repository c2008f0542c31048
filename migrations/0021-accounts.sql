-- Customer accounts: who owns them, under which number, in which state. Balances are the ledger's.
create schema if not exists bank;

create table bank.accounts (
    partner_id text not null,
    account_id text not null,
    number text not null,
    customer_id text not null,
    product_class text not null,
    currency text not null,
    status text not null check (status in ('open', 'frozen', 'closed')),
    status_reason text not null default '',
    ledger_account text not null,
    branch_id text,
    opened_at timestamptz not null,
    closed_at timestamptz,
    primary key (partner_id, account_id),
    foreign key (partner_id, customer_id) references bank.customers,
    foreign key (partner_id, branch_id) references bank.branches,
    constraint accounts_number unique (partner_id, number),
    constraint accounts_ledger_account unique (ledger_account),
    check ((status = 'closed') = (closed_at is not null))
);

-- Who may dispose of an account: its owner, and disponents the owner admitted.
create table bank.dispositions (
    partner_id text not null,
    account_id text not null,
    customer_id text not null,
    role text not null check (role in ('owner', 'disponent')),
    since date not null,
    primary key (partner_id, account_id, customer_id),
    foreign key (partner_id, account_id) references bank.accounts,
    foreign key (partner_id, customer_id) references bank.customers
);
create index dispositions_of_customer on bank.dispositions (partner_id, customer_id, account_id);
create unique index dispositions_one_owner on bank.dispositions (partner_id, account_id)
    where role = 'owner';

-- Serials of account numbers given to accounts opened without one.
create sequence bank.account_serials;

-- Payment codes that a payer's wallet shows. Only their SHA-256 is kept: a copy of this table pays
-- nothing. A single-use token is spent by a row in payer_token_uses; its key makes a second use fail.
create table bank.payer_tokens (
    partner_id text not null,
    token_hash bytea not null check (length(token_hash) = 32),
    account_id text not null,
    reusable boolean not null,
    issued_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > issued_at),
    primary key (partner_id, token_hash),
    foreign key (partner_id, account_id) references bank.accounts
);

create table bank.payer_token_uses (
    partner_id text not null,
    token_hash bytea not null,
    used_for text not null,
    used_at timestamptz not null,
    constraint payer_token_spent_once primary key (partner_id, token_hash),
    foreign key (partner_id, token_hash) references bank.payer_tokens
);
