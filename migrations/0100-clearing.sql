-- Clearing: one batch a business date, sealed at a place in the ledger's chain; a position a merchant;
-- a payout a merchant that is cleared net.
create schema if not exists bank;

set lock_timeout = '5s';

-- Merchants whose proceeds wait on a book sub-account of the partner's supervised account and are
-- paid out net, one payment a date. bank null: to the merchant's settlement account here.
create table bank.clearing_terms (
    partner_id text collate "C" not null,
    merchant_id text collate "C" not null,
    bank text,
    account_no text,
    account_name text,
    -- kept back from payouts until the reserve has this much, minor units
    reserve bigint not null check (reserve >= 0),
    -- what the bank advances at most for refunds that nothing else covers
    advance_max bigint not null check (advance_max >= 0),
    agreed_at timestamptz not null,
    primary key (partner_id, merchant_id),
    check ((bank is null) = (account_no is null) and (bank is null) = (account_name is null))
);

-- A date is the batches of the chain above first_seq and up to last_seq: what is posted after the
-- seal belongs to the next date, whatever the clock says. hash covers the positions.
create table bank.clearing_batches (
    business_date date primary key,
    state text collate "C" not null check (state in
        ('open', 'sealed', 'computed', 'checked', 'submitted', 'confirmed', 'reconciled')),
    value_on date not null,
    first_seq bigint not null,
    last_seq bigint,
    -- hash of the chain at last_seq: nobody can change what the date consists of
    head_hash bytea,
    positions integer,
    hash bytea,
    opened_at timestamptz not null,
    sealed_at timestamptz,
    moved_at timestamptz not null,
    check (last_seq >= first_seq),
    check ((state = 'open') = (last_seq is null) and (last_seq is null) = (head_hash is null)),
    check ((state in ('open', 'sealed')) = (hash is null)),
    check (value_on > business_date)
);
create unique index clearing_one_open on bank.clearing_batches ((true)) where state = 'open';
create index clearing_unfinished on bank.clearing_batches (business_date)
    where state <> 'reconciled';

-- Minor units. All figures are >= 0 but other, moved, carried_in and net.
create table bank.clearing_positions (
    partner_id text collate "C" not null,
    business_date date not null,
    merchant_id text collate "C" not null,
    tenant_id text,
    currency text collate "C" not null,
    netted boolean not null,
    postings bigint not null,
    paid_in bigint not null,
    captured bigint not null,
    refunded bigint not null,
    split bigint not null,
    returned bigint not null,
    fee bigint not null,
    settled bigint not null,
    other bigint not null,
    -- what the sub-account "available" gained or lost, and what the date before left on it
    moved bigint not null,
    carried_in bigint not null,
    net bigint not null,
    -- what the claim took (null: not claimed yet): to the bank's advance, to the reserve, to pay out
    recovered bigint,
    reserved bigint,
    payout bigint,
    carried_out bigint,
    claim_group uuid,
    primary key (partner_id, business_date, merchant_id),
    check (net = carried_in + moved),
    check (carried_out = net - recovered - reserved - payout),
    check (recovered >= 0 and reserved >= 0 and payout >= 0)
);
create index clearing_positions_of_merchant on bank.clearing_positions
    (partner_id, merchant_id, business_date desc);
create index clearing_positions_of_date on bank.clearing_positions
    (business_date, partner_id, merchant_id);

-- One payment a merchant and date, persisted before anything is sent. key names it to the network
-- for ever. group_out: money on its way or paid; group_back: what came back.
create table bank.clearing_payouts (
    partner_id text collate "C" not null,
    business_date date not null,
    merchant_id text collate "C" not null,
    currency text collate "C" not null,
    amount bigint not null check (amount > 0),
    -- the account here, or bank and account there
    target text not null,
    bank text,
    account_name text,
    key text collate "C" not null unique,
    state text collate "C" not null check (state in
        ('prepared', 'submitted', 'confirmed', 'failed', 'unknown', 'released')),
    reference text,
    reason text,
    simulated boolean not null default false,
    attempts integer not null default 0,
    ask_at timestamptz,
    owner text,
    released_by text,
    approved_by text,
    prepared_at timestamptz not null,
    moved_at timestamptz not null,
    primary key (partner_id, business_date, merchant_id),
    constraint clearing_release_four_eyes check (released_by <> approved_by),
    constraint clearing_released_is_approved
        check (state <> 'released' or (released_by is not null and approved_by is not null))
);
create index clearing_payouts_of_date on bank.clearing_payouts (business_date, state);
