-- Which class a personal account is of, or which kind a company's, and the account it is bound to.
-- A person has one class I account with a bank (PBOC notice 2015-392), a company one basic account
-- (PBOC Order 2003-5, article 4). Accounts opened before have no class, and no limit by one.
create schema if not exists bank;

set lock_timeout = '2s';
alter table bank.accounts
    add column account_class text
        check (account_class in ('I', 'II', 'III', 'basic', 'general', 'special', 'temporary')),
    add column bound_ledger_account text;
create unique index accounts_one_of_class on bank.accounts (partner_id, customer_id, account_class)
    where account_class in ('I', 'basic') and status <> 'closed';
