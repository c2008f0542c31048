-- Facts loaded from outside banks: what they told, as they told it; and which loads were made.
create schema if not exists bank;

create table bank.standing_orders (
    partner_id text not null,
    standing_order_id text not null,
    account_id text not null,
    payee_bank text not null,
    payee_account text not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency text not null,
    category text not null,
    source text not null,
    primary key (partner_id, standing_order_id),
    foreign key (partner_id, account_id) references bank.accounts
);
create index standing_orders_of_account on bank.standing_orders (partner_id, account_id);

create table bank.loan_contracts (
    partner_id text not null,
    loan_contract_id text not null,
    account_id text not null,
    granted_on date not null,
    amount_minor bigint not null check (amount_minor > 0),
    instalment_minor bigint not null check (instalment_minor > 0),
    currency text not null,
    duration_months integer not null check (duration_months > 0),
    state text not null check (state in ('repaid', 'unpaid', 'running', 'in_debt')),
    source text not null,
    primary key (partner_id, loan_contract_id),
    foreign key (partner_id, account_id) references bank.accounts
);
create index loan_contracts_of_account on bank.loan_contracts (partner_id, account_id);

create table bank.cards (
    partner_id text not null,
    card_id text not null,
    account_id text not null,
    customer_id text not null,
    class text not null check (class in ('junior', 'classic', 'gold')),
    issued_on date not null,
    source text not null,
    primary key (partner_id, card_id),
    foreign key (partner_id, account_id, customer_id) references bank.dispositions
);

-- One row a source and data space: the files' digest says whether a second run brings the same.
create table bank.loads (
    partner_id text not null,
    source text not null,
    digest bytea not null,
    state text not null check (state in ('posting', 'done')),
    counts jsonb not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    primary key (partner_id, source),
    check ((state = 'done') = (finished_at is not null))
);
