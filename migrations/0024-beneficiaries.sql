-- Payees a customer has kept for an account, to pay them again without typing.
create schema if not exists bank;

create table bank.beneficiaries (
    partner_id text not null,
    beneficiary_id text not null,
    account_id text not null,
    name text not null check (name <> ''),
    creditor_account text not null check (creditor_account <> ''),
    reference text not null default '',
    trusted boolean not null default false,
    created_at timestamptz not null,
    primary key (partner_id, beneficiary_id),
    foreign key (partner_id, account_id) references bank.accounts
);
create unique index beneficiaries_of_account
    on bank.beneficiaries (partner_id, account_id, creditor_account, reference);
