-- Partners, their tenants and apps, and the bank's own keys (room `partners`).
-- partner_id stands first in every tenant key. `version` counts the changes of an object: it is
-- the sequence number of its events, and updating it serialises writers of the object.
create schema if not exists partners;

create table partners.partners (
    partner_id text primary key,
    name_zh text not null check (name_zh <> ''),
    name_en text not null check (name_en <> ''),
    status text not null default 'active' check (status in ('active', 'blocked')),
    version bigint not null default 1,
    created_at timestamptz not null
);

create table partners.tenants (
    partner_id text not null references partners.partners,
    tenant_id text not null,
    name_zh text not null check (name_zh <> ''),
    name_en text not null check (name_en <> ''),
    -- SHA-256 of the app_auth_token; the token itself is shown once and kept nowhere.
    token_hash bytea not null check (octet_length(token_hash) = 32),
    status text not null default 'active' check (status in ('active', 'blocked')),
    version bigint not null default 1,
    created_at timestamptz not null,
    primary key (partner_id, tenant_id),
    unique (partner_id, token_hash)
);

create table partners.apps (
    partner_id text not null references partners.partners,
    app_id text not null,
    name text not null check (name <> ''),
    environment text not null check (environment in ('sandbox', 'live')),
    status text not null default 'active' check (status in ('active', 'blocked')),
    rate_per_second integer not null check (rate_per_second > 0),
    burst integer not null check (burst > 0),
    version bigint not null default 1,
    created_at timestamptz not null,
    primary key (partner_id, app_id)
);
-- The edge finds an app by its id alone, so an id names one app in the whole installation.
create unique index apps_id on partners.apps (app_id);

-- The bank's own keys, per wire. The private part is sealed under the installation's KEK.
create table partners.platform_keys (
    key_id text primary key,
    wire text not null,
    alg text not null,
    public_der bytea not null,
    sealed_private bytea not null,
    fingerprint bytea not null check (octet_length(fingerprint) = 32),
    is_default boolean not null,
    created_at timestamptz not null,
    retired_at timestamptz
);
create unique index platform_keys_default on partners.platform_keys (wire) where is_default;
create index platform_keys_fingerprint on partners.platform_keys (fingerprint);

create table partners.app_keys (
    partner_id text not null,
    app_id text not null,
    key_id text not null,
    wire text not null,
    alg text not null,
    -- DER SubjectPublicKeyInfo, or a sealed secret (HMAC, AES).
    material bytea not null,
    fingerprint bytea not null check (octet_length(fingerprint) = 32),
    not_before timestamptz not null,
    not_after timestamptz,
    revoked_at timestamptz,
    primary key (partner_id, app_id, key_id),
    foreign key (partner_id, app_id) references partners.apps
);
-- A native signature names its key only; the key leads to the app.
create unique index app_keys_id on partners.app_keys (key_id);

create table partners.answer_keys (
    partner_id text not null,
    app_id text not null,
    wire text not null,
    key_id text not null references partners.platform_keys,
    primary key (partner_id, app_id, wire),
    foreign key (partner_id, app_id) references partners.apps
);

create table partners.subscriptions (
    partner_id text not null,
    app_id text not null,
    product_id text not null,
    created_at timestamptz not null,
    primary key (partner_id, app_id, product_id),
    foreign key (partner_id, app_id) references partners.apps
);
