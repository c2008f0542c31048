-- Where partners want to be told what happened, and the keys that sign it (room `partners`).
-- What waits for an endpoint stands in the outbox, under the recipient `webhook:<endpoint>`.
create table partners.webhook_endpoints (
    partner_id text not null references partners.partners,
    endpoint_id text not null,
    url text not null check (url <> ''),
    -- Beginnings of event types as partners see them: `order.`, `consent.revoked`.
    types text[] not null check (cardinality(types) > 0),
    signing text not null check (signing in ('hmac-sha256', 'ed25519')),
    status text not null default 'active' check (status in ('active', 'disabled')),
    -- Why it is disabled; empty while it is active.
    reason text not null default '',
    version bigint not null default 1,
    created_at timestamptz not null,
    primary key (partner_id, endpoint_id)
);

create table partners.webhook_keys (
    partner_id text not null,
    endpoint_id text not null,
    key_id text not null,
    -- HMAC secret or Ed25519 seed under the installation's KEK (purpose `webhook:<key>`).
    sealed bytea not null,
    -- Null for a secret.
    public_key bytea,
    created_at timestamptz not null,
    -- Set at rotation: until then both keys sign.
    signs_until timestamptz,
    primary key (partner_id, endpoint_id, key_id),
    foreign key (partner_id, endpoint_id) references partners.webhook_endpoints on delete cascade
);
