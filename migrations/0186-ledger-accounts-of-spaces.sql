-- A proof looks at the books of its own data space after every refusal; for those accounts alone.
set lock_timeout = '2s';

create index ledger_accounts_of_space on bank.ledger_accounts (partner_id)
    where partner_id like 'sbx\_%';
