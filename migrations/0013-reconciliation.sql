-- Reconciliation: the files channels sent, what they said line by line, and the breaks that a
-- comparison of orders, ledger and channel found. Every key starts with the partner.
create schema if not exists bank;

set lock_timeout = '2s';

-- One row a business date that was reconciled: the date is sealed, a second run says the same.
-- file_hash is empty where no channel file was compared (orders against ledger).
create table bank.reconciliation_runs (
    partner_id text collate "C" not null,
    channel text collate "C" not null,
    business_date date not null,
    file_hash bytea not null,
    kinds text[] not null,
    lines integer not null check (lines >= 0),
    -- SHA-256 over the breaks as they were found
    result_hash bytea not null check (length(result_hash) = 32),
    breaks integer not null check (breaks >= 0),
    compared bigint not null check (compared >= 0),
    ran_at timestamptz not null,
    primary key (partner_id, channel, business_date)
);
-- One file stands for one date of one channel, whatever it is called.
create unique index reconciliation_file_once
    on bank.reconciliation_runs (partner_id, channel, file_hash) where file_hash <> ''::bytea;

create table bank.reconciliation_lines (
    partner_id text collate "C" not null,
    channel text collate "C" not null,
    business_date date not null,
    line_no integer not null check (line_no > 0),
    reference text collate "C" not null,
    party text collate "C" not null,
    kind text collate "C" not null,
    amount bigint not null check (amount > 0),
    currency text collate "C" not null,
    value_on date not null,
    status text collate "C" not null check (status in ('posted', 'refused')),
    primary key (partner_id, channel, business_date, line_no)
);
create index reconciliation_lines_sorted on bank.reconciliation_lines
    (partner_id, channel, business_date, reference, party, line_no);

create table bank.reconciliation_breaks (
    partner_id text collate "C" not null,
    break_id text collate "C" not null,
    channel text collate "C" not null,
    business_date date not null,
    kind text collate "C" not null
        check (kind in ('long', 'short', 'amount', 'date', 'duplicate', 'status')),
    side text collate "C" not null check (side in ('orders', 'ledger', 'channel')),
    reference text collate "C" not null,
    party text collate "C" not null,
    line_kind text collate "C" not null,
    -- what the side says, and what it should say; null: nothing, or not stated
    found bigint,
    expected bigint,
    currency text collate "C" not null,
    status text collate "C" not null
        check (status in ('found', 'timing', 'assigned', 'adjusted', 'closed')),
    owner text,
    -- the run of this date cleared it: it was a matter of time
    cleared_on date,
    -- the proposed adjustment; debit null: nothing has to be posted, the reason explains it
    debit text,
    credit text,
    adjusts bigint,
    reason text,
    proposed_by text,
    approved_by text,
    group_id uuid,
    found_at timestamptz not null,
    moved_at timestamptz not null,
    primary key (partner_id, break_id),
    constraint reconciliation_four_eyes check (approved_by <> proposed_by),
    constraint reconciliation_adjusted_is_approved
        check (status <> 'adjusted' or approved_by is not null),
    check ((debit is null) = (credit is null) and (debit is null) = (adjusts is null)),
    check (adjusts > 0)
);
create index reconciliation_breaks_open on bank.reconciliation_breaks
    (partner_id, channel, business_date, reference) where status <> 'closed';
create index reconciliation_breaks_of_date on bank.reconciliation_breaks
    (partner_id, channel, business_date, break_id);

-- The bank's account for money that nobody can name yet, in every currency it keeps.
-- bankside.bank.accounts.house opens the same one for a currency that comes later.
select bank.ledger_open_account('main', 'house.suspense.' || a.currency, 'bank', 'liability',
    a.currency, null)
from bank.ledger_accounts a
where a.ledger_id = 'main' and a.account_id = 'house.fee-income.' || a.currency;
