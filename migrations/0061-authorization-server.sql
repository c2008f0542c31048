-- The authorization server's lasting state: clients, grants, refresh tokens, signing keys.
-- Of every secret value only its SHA-256 stands here.
create schema if not exists identity;

create table identity.clients (
    partner_id text not null,
    -- The id of the partner's app; an id names one app in the whole installation.
    client_id text not null,
    name text not null check (name <> ''),
    -- RFC 7517 set of public keys, by value.
    jwks text not null,
    redirect_uris text[] not null,
    scopes text[] not null,
    detail_types text[] not null,
    created_at timestamptz not null,
    primary key (partner_id, client_id)
);
create unique index clients_id on identity.clients (client_id);

-- What a customer allowed a client; every token of a customer hangs on one of these rows.
create table identity.grants (
    partner_id text not null,
    grant_id text not null,
    client_id text not null,
    subject text not null,
    scopes text[] not null,
    -- RFC 9396, a JSON array as text: it goes back to the client as it came.
    authorization_details text not null,
    auth_time timestamptz not null,
    amr text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    version bigint not null default 1,
    primary key (partner_id, grant_id)
);
create index grants_subject on identity.grants (partner_id, subject, client_id);

create table identity.refresh_tokens (
    partner_id text not null,
    client_id text not null,
    hash bytea not null check (octet_length(hash) = 32),
    grant_id text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    primary key (partner_id, client_id, hash),
    foreign key (partner_id, grant_id) references identity.grants
);
create index refresh_tokens_grant on identity.refresh_tokens (partner_id, grant_id);
create index refresh_tokens_expiry on identity.refresh_tokens (expires_at);

-- What signs id_tokens. The bank's own: no partner scope. Private parts are sealed (key:<kid>).
create table identity.signing_keys (
    kid text primary key,
    public_jwk text not null,
    sealed_private bytea not null,
    status text not null check (status in ('next', 'active', 'retired')),
    created_at timestamptz not null,
    retired_at timestamptz
);
create unique index signing_keys_one on identity.signing_keys (status) where status <> 'retired';
