-- The ledger: accounts, transfers, entries, holds, and the chain of batches that seals them.
--
-- Sign convention: balance = credits - debits, for every account of every class. A customer's money
-- is a liability of the bank, so a customer account with money in it is positive; an asset of the
-- bank is negative. All balances of one currency add up to zero.
--
-- Every key starts with ledger_id: one ledger is one chain, and the unit that sharding would move.
-- Text keys compare as bytes (collate "C"): the lock order is the same in Python and on any server.
create schema if not exists bank;

-- The newest batch of each chain. A ledger with no batch yet has seq 0 and the hash of its name.
create table bank.ledger_heads (
    ledger_id text collate "C" primary key,
    seq bigint not null default 0 check (seq >= 0),
    hash bytea not null check (length(hash) = 32)
) with (fillfactor = 50);

-- One row a committed batch; hash covers prev_hash, all transfers and all entries of the batch in
-- the byte form of bankside.bank.ledger.canonical. A batch may be empty: then its row only proves
-- that the other rows of its transaction were committed.
create table bank.ledger_batches (
    ledger_id text collate "C" not null,
    seq bigint not null check (seq > 0),
    booked_at timestamptz not null,
    transfers integer not null check (transfers >= 0),
    entries integer not null check (entries >= 0),
    prev_hash bytea not null check (length(prev_hash) = 32),
    hash bytea not null check (length(hash) = 32),
    primary key (ledger_id, seq)
);

-- Balance, version and booked_at are those of the account's last entry. Floor null: no lower limit.
-- Only the spare room in each page makes an update of a balance cheap (heap-only tuple).
create table bank.ledger_accounts (
    ledger_id text collate "C" not null,
    account_id text collate "C" not null,
    partner_id text collate "C" not null,
    class text collate "C" not null
        check (class in ('asset', 'liability', 'equity', 'income', 'expense', 'hold')),
    currency text collate "C" not null check (length(currency) = 3),
    status text collate "C" not null default 'open'
        check (status in ('open', 'blocked', 'closed')),
    balance bigint not null default 0,
    floor bigint,
    version bigint not null default 0 check (version >= 0),
    booked_at timestamptz not null default '-infinity',
    primary key (ledger_id, account_id),
    constraint ledger_accounts_floor check (balance >= floor),
    constraint ledger_accounts_closed_empty check (status <> 'closed' or balance = 0),
    constraint ledger_accounts_hold_floor check (class <> 'hold' or floor is not distinct from 0)
) with (fillfactor = 50);

-- Which floor held for the entries after which version, so that a replay judges old ones rightly:
-- for an entry the row with the highest n among those with after_version < its version.
create table bank.ledger_floors (
    ledger_id text collate "C" not null,
    account_id text collate "C" not null,
    n bigint generated always as identity,
    after_version bigint not null,
    floor bigint,
    primary key (ledger_id, account_id, n)
);

-- One row a leg, accepted or refused; all legs of a group share verdict, reason and batch.
-- A refused release of an unknown hold has no accounts and no amount. expires_at: of a hold it places.
create table bank.ledger_transfers (
    ledger_id text collate "C" not null,
    group_id uuid not null,
    leg smallint not null check (leg > 0),
    batch bigint not null,
    amount bigint not null,
    booked_at timestamptz not null,
    value_date date not null,
    verdict text collate "C" not null check (verdict in ('accepted', 'refused')),
    reason text collate "C" not null,
    kind text collate "C" not null,
    debit text collate "C" not null,
    credit text collate "C" not null,
    currency text collate "C" not null,
    hold_id uuid,
    expires_at timestamptz,
    request_hash bytea not null,
    narrative text not null,
    primary key (ledger_id, group_id, leg),
    constraint ledger_transfers_accepted
        check (verdict = 'refused' or (amount > 0 and debit <> credit and reason = ''))
);
-- Rows arrive in batch order, so a block range index finds the rows of a batch and costs nothing.
create index ledger_transfers_batch on bank.ledger_transfers using brin (batch)
    with (pages_per_range = 16);
create index ledger_transfers_hold on bank.ledger_transfers (ledger_id, hold_id)
    where hold_id is not null;

-- Two rows an accepted leg: -amount on the debited account, +amount on the credited one.
-- version counts an account's entries from 1 without a gap.
create table bank.ledger_entries (
    ledger_id text collate "C" not null,
    account_id text collate "C" not null,
    version bigint not null check (version > 0),
    group_id uuid not null,
    leg smallint not null,
    batch bigint not null,
    amount bigint not null check (amount <> 0),
    balance_after bigint not null,
    booked_at timestamptz not null,
    primary key (ledger_id, account_id, version)
);
create index ledger_entries_batch on bank.ledger_entries using brin (batch)
    with (pages_per_range = 16);

-- Money of account_id that stands on hold_account_id until it is captured, released or times out.
-- A hold's id is the id of the group that placed it. rest is what has not left it yet.
create table bank.ledger_holds (
    ledger_id text collate "C" not null,
    hold_id uuid not null,
    account_id text collate "C" not null,
    hold_account_id text collate "C" not null,
    currency text collate "C" not null,
    amount bigint not null check (amount > 0),
    rest bigint not null,
    expires_at timestamptz not null,
    primary key (ledger_id, hold_id),
    check (rest between 0 and amount)
);
create index ledger_holds_open on bank.ledger_holds (ledger_id, account_id) where rest > 0;
create index ledger_holds_due on bank.ledger_holds (ledger_id, expires_at) where rest > 0;

-- Append-only: whoever the role is, these rows are neither changed nor taken away.
create function bank.ledger_refuse_change() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
    raise exception 'bank.% is append-only: % refused', tg_table_name, lower(tg_op)
        using errcode = 'LG001';
end
$$;

create trigger append_only before update or delete or truncate on bank.ledger_batches
    for each statement execute function bank.ledger_refuse_change();
create trigger append_only before update or delete or truncate on bank.ledger_transfers
    for each statement execute function bank.ledger_refuse_change();
create trigger append_only before update or delete or truncate on bank.ledger_entries
    for each statement execute function bank.ledger_refuse_change();
create trigger append_only before update or delete or truncate on bank.ledger_floors
    for each statement execute function bank.ledger_refuse_change();
create trigger never_deleted before delete or truncate on bank.ledger_accounts
    for each statement execute function bank.ledger_refuse_change();
create trigger never_deleted before delete or truncate on bank.ledger_holds
    for each statement execute function bank.ledger_refuse_change();
create trigger never_deleted before delete or truncate on bank.ledger_heads
    for each statement execute function bank.ledger_refuse_change();

insert into bank.ledger_heads (ledger_id, hash)
values ('main', sha256(convert_to('bankside ledger main', 'UTF8')));
