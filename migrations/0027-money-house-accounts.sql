-- Accounts move from status to status as a write of its own, so that it commits with the order that
-- asked for it; and the bank's own accounts for deposits, interest, investments and foreign exchange.
create schema if not exists bank;

-- The account is in p_to. Whoever moved it first makes the second mover fail accounts_one_mover.
create function bank.move_account(
    p_partner text, p_account text, p_from text, p_to text, p_reason text, p_at timestamptz
) returns void
language plpgsql
set search_path = pg_catalog
as $$
begin
    update bank.accounts a
    set status = p_to, status_reason = p_reason,
        closed_at = case when p_to = 'closed' then p_at end
    where a.partner_id = p_partner and a.account_id = p_account and a.status = p_from;
    if not found then
        raise exception 'account % is no longer %', p_account, p_from
            using errcode = 'check_violation', constraint = 'accounts_one_mover';
    end if;
end
$$;

-- Databases that stood before: new kinds of the bank's own accounts in every currency it keeps.
-- bankside.bank.accounts.house opens the same ones for a currency that comes later.
select bank.ledger_open_account('main', 'house.' || kinds.kind || '.' || a.currency, 'bank', kinds.class,
    a.currency, kinds.floor)
from bank.ledger_accounts a
cross join (values
    ('deposits', 'liability', 0::bigint),
    ('interest-expense', 'expense', null),
    ('interest-income', 'income', null),
    ('interest-receivable', 'asset', null),
    ('investment-pool', 'liability', 0),
    ('valuation', 'equity', null),
    ('fx-position', 'asset', null),
    ('nostro', 'asset', null)
) kinds (kind, class, floor)
where a.ledger_id = 'main' and a.account_id = 'house.fee-income.' || a.currency;
