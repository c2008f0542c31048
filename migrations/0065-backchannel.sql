-- Requests of clients to a customer who is elsewhere (OpenID CIBA, poll mode): waiting on the
-- customer's own page, fetched by the client with a value of which only the SHA-256 stands here.
create schema if not exists identity;

create table identity.ciba_requests (
    partner_id text not null,
    client_id text not null,
    slot smallint not null,
    hash bytea not null check (octet_length(hash) = 32),
    -- What the customer's page calls it; says nothing about the value the client holds.
    approval_id text not null,
    customer_id text not null,
    scopes text[] not null,
    authorization_details text not null,
    binding_message text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    interval_seconds smallint not null,
    polled_at timestamptz,
    answered_at timestamptz,
    -- Answered without a grant: the customer said no.
    grant_id text check (grant_id is null or answered_at is not null),
    used_at timestamptz,
    primary key (partner_id, client_id, slot, hash)
) partition by list (slot);
create index ciba_requests_customer on identity.ciba_requests (partner_id, customer_id);

do $$
begin
    for slot in 0..7 loop
        execute format('create table identity.%I partition of identity.ciba_requests'
                       ' for values in (%s)', 'ciba_requests_' || slot, slot);
    end loop;
end $$;

-- As in 0062, for one more kind.
create or replace function identity.clear_slot(kind text, which integer) returns boolean
language plpgsql volatile set lock_timeout = '50ms' as $$
declare
    filled boolean;
begin
    if kind not in ('pushed_requests', 'interactions', 'authorisation_codes', 'assertion_jtis',
                    'proof_jtis', 'access_tokens', 'ciba_requests')
        or which not between 0 and 7 then
        raise exception 'no such slot: % %', kind, which;
    end if;
    execute pg_catalog.format('select exists (select from identity.%I)', kind || '_' || which)
        into filled;
    if filled then
        execute pg_catalog.format('truncate identity.%I', kind || '_' || which);
    end if;
    return filled;
end $$;
