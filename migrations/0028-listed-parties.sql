-- Parties the bank does no business with, compared by name and number; and the sandbox's own two,
-- which exist nowhere and let a partner see the refusal.
create schema if not exists bank;

create table bank.listed_parties (
    key text not null check (key <> ''),
    source text not null,
    listed_on date not null,
    primary key (key, source)
);
insert into bank.listed_parties (key, source, listed_on) values
    ('sandboxlistedparty', 'sandbox', date '2026-01-01'),
    ('沙箱名单主体', 'sandbox', date '2026-01-01');
