-- Customers at the bank's own pages: their sessions, their failed attempts, their second factor.
-- Only the SHA-256 of a session's secret is stored, and secrets of factors only sealed.
create schema if not exists identity;

create table identity.sessions (
    partner_id text not null,
    session_hash bytea not null,
    -- What the device list calls it; tells nothing about the secret.
    session_id text not null,
    customer_id text not null,
    login text not null,
    -- password: one factor is proven and only the second may follow; full: both are.
    level text not null check (level in ('password', 'full')),
    amr text[] not null,
    device text not null,
    source text not null,
    started_at timestamptz not null,
    -- When the last factor was proven; a payment asks for a fresh one.
    authenticated_at timestamptz not null,
    seen_at timestamptz not null,
    primary key (partner_id, session_hash),
    constraint sessions_id unique (partner_id, session_id)
);

create index sessions_of_customer on identity.sessions (partner_id, customer_id);
create index sessions_old on identity.sessions (started_at);

-- One row an attempt that has not succeeded (yet): counted for its login and for its source.
-- The login is stored as a hash only: people type passwords into the wrong field.
create table identity.login_attempts (
    partner_id text not null,
    login_hash bytea not null,
    attempt_id text not null,
    source text not null,
    attempted_at timestamptz not null,
    primary key (partner_id, login_hash, attempt_id)
);

create index login_attempts_of_source on identity.login_attempts (source, attempted_at);
create index login_attempts_old on identity.login_attempts (attempted_at);

create table identity.totp_factors (
    partner_id text not null,
    customer_id text not null,
    sealed_secret bytea not null,
    -- The time step of the last code taken: a code, or an older one, is never taken again.
    last_step bigint not null,
    set_at timestamptz not null,
    primary key (partner_id, customer_id)
);

-- A login page that does not know the data space finds it by the login.
create index credentials_by_login on identity.credentials (login);
