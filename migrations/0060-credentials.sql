-- What proves a customer at the bank's own pages. Password hashes are Argon2id strings (C3 data).
create schema if not exists identity;

create table identity.credentials (
    partner_id text not null,
    customer_id text not null,
    login text not null,
    password_hash text not null,
    changed_at timestamptz not null,
    primary key (partner_id, customer_id),
    constraint credentials_login unique (partner_id, login)
);
