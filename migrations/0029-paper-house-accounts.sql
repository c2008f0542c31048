-- Databases that stood before: the bank's accounts behind funded benefits, discounted bills and taxes
-- withheld for the authority, in every currency it keeps. bankside.bank.accounts.house opens the
-- same ones for a currency that comes later.
create schema if not exists bank;

select bank.ledger_open_account('main', 'house.' || kinds.kind || '.' || a.currency, 'bank', kinds.class,
    a.currency, kinds.floor)
from bank.ledger_accounts a
cross join (values
    ('benefits', 'liability', 0::bigint),
    ('discounted-bills', 'asset', null),
    ('tax-withheld', 'liability', 0)
) kinds (kind, class, floor)
where a.ledger_id = 'main' and a.account_id = 'house.fee-income.' || a.currency;
