-- Values that live for minutes. Each kind has its own table with its owner in the key.
-- Eight partitions a table, used in turn by the hour: hour h writes slot h mod 8. A slot is emptied
-- by TRUNCATE some hours after its last value expired, so nothing is ever deleted row by row, and
-- no partition has to be made in time for a call to succeed. What we mint carries its slot in clear.
create table identity.pushed_requests (
    partner_id text not null,
    client_id text not null,
    slot smallint not null,
    hash bytea not null check (octet_length(hash) = 32),
    redirect_uri text not null,
    scopes text[] not null,
    authorization_details text not null,
    state text,
    nonce text,
    code_challenge text not null,
    dpop_jkt text,
    opened smallint not null default 0,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (partner_id, client_id, slot, hash)
) partition by list (slot);

-- The address of an interaction names it without its partner, so the key cannot start with one.
create table identity.interactions (
    slot smallint not null,
    interaction_id text not null,
    partner_id text not null,
    client_id text not null,
    request_slot smallint not null,
    request_hash bytea not null,
    browser_hash bytea not null check (octet_length(browser_hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    finished_at timestamptz,
    primary key (slot, interaction_id)
) partition by list (slot);

create table identity.authorisation_codes (
    partner_id text not null,
    client_id text not null,
    slot smallint not null,
    hash bytea not null check (octet_length(hash) = 32),
    grant_id text not null,
    redirect_uri text not null,
    code_challenge text not null,
    dpop_jkt text,
    nonce text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (partner_id, client_id, slot, hash)
) partition by list (slot);

create table identity.assertion_jtis (
    partner_id text not null,
    client_id text not null,
    slot smallint not null,
    hash bytea not null check (octet_length(hash) = 32),
    expires_at timestamptz not null,
    primary key (partner_id, client_id, slot, hash)
) partition by list (slot);

create table identity.proof_jtis (
    partner_id text not null,
    client_id text not null,
    slot smallint not null,
    hash bytea not null check (octet_length(hash) = 32),
    expires_at timestamptz not null,
    primary key (partner_id, client_id, slot, hash)
) partition by list (slot);

-- A resource knows the token and nothing else, so the key cannot start with the partner.
create table identity.access_tokens (
    slot smallint not null,
    hash bytea not null check (octet_length(hash) = 32),
    partner_id text not null,
    client_id text not null,
    -- Null with client_credentials: such a token reaches no customer's data.
    grant_id text,
    scopes text[] not null,
    authorization_details text not null,
    jkt text not null,
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    primary key (slot, hash)
) partition by list (slot);
create index access_tokens_grant on identity.access_tokens (partner_id, grant_id);

do $$
declare
    kind text;
    slot integer;
begin
    foreach kind in array array['pushed_requests', 'interactions', 'authorisation_codes',
                                'assertion_jtis', 'proof_jtis', 'access_tokens'] loop
        for slot in 0..7 loop
            execute format('create table identity.%I partition of identity.%I for values in (%s)',
                           kind || '_' || slot, kind, slot);
        end loop;
    end loop;
end $$;

-- True once for a jti that a client minted. Racing calls queue on the lock; the look into both
-- neighbour slots is a statement of its own, so it sees what the one before committed, even when
-- the hour turned while we waited.
create function identity.claim_jti(
    kind text, partner text, client text, digest bytea, at_slot integer, until timestamptz
) returns boolean language plpgsql volatile as $$
declare
    seen boolean;
begin
    if kind not in ('assertion_jtis', 'proof_jtis') then
        raise exception 'no such kind of jti: %', kind;
    end if;
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(
        kind || ' ' || client || ' ' || pg_catalog.encode(digest, 'hex'), 7));
    execute pg_catalog.format(
        'select exists (select from identity.%I where partner_id = $1 and client_id = $2'
        ' and hash = $3 and slot in ($4, $5, $6))', kind)
        into seen using partner, client, digest,
            ((at_slot + 7) % 8)::smallint, at_slot::smallint, ((at_slot + 1) % 8)::smallint;
    if seen then
        return false;
    end if;
    execute pg_catalog.format(
        'insert into identity.%I (partner_id, client_id, slot, hash, expires_at)'
        ' values ($1, $2, $3, $4, $5)', kind)
        using partner, client, at_slot::smallint, digest, until;
    return true;
end $$;

-- Empties one partition; false when it was empty. Whoever uses it is waited for only briefly,
-- because calls queue up behind the waiting lock: the next run comes again.
create function identity.clear_slot(kind text, which integer) returns boolean
language plpgsql volatile set lock_timeout = '50ms' as $$
declare
    filled boolean;
begin
    if kind not in ('pushed_requests', 'interactions', 'authorisation_codes', 'assertion_jtis',
                    'proof_jtis', 'access_tokens') or which not between 0 and 7 then
        raise exception 'no such slot: % %', kind, which;
    end if;
    execute pg_catalog.format('select exists (select from identity.%I)', kind || '_' || which)
        into filled;
    if filled then
        execute pg_catalog.format('truncate identity.%I', kind || '_' || which);
    end if;
    return filled;
end $$;
