-- Settlement files that were given out: their hash and the bank's signature over it, once. The bytes
-- are written anew at each download and have to have this hash.
create schema if not exists bank;

set lock_timeout = '5s';

create table bank.clearing_statements (
    partner_id text collate "C" not null,
    business_date date not null,
    -- '' all of the partner's
    tenant_id text collate "C" not null,
    merchants text collate "C" not null,
    form text collate "C" not null check (form in ('csv', 'fixed')),
    sha256 bytea not null check (length(sha256) = 32),
    key_id text not null,
    signature bytea not null,
    signed_at timestamptz not null,
    primary key (partner_id, business_date, tenant_id, merchants, form)
);
