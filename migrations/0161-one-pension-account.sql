-- A person has at most one personal pension account (State Council notice 2022-7, article 2). Where
-- somebody has two already, this stops: which of them is to be closed, a person has to decide.
create schema if not exists bank;

set lock_timeout = '2s';
create unique index accounts_one_pension on bank.accounts (partner_id, customer_id)
    where product_class = 'pension' and status <> 'closed';
