-- Passkeys (WebAuthn level 2): public keys of people, and the challenges they answer.
create table identity.passkeys (
    partner_id text not null,
    passkey_id text not null,
    person_id text not null,
    name text not null,
    credential_id bytea not null check (octet_length(credential_id) between 1 and 1023),
    public_key bytea not null,
    sign_count bigint not null,
    transports text[] not null,
    created_at timestamptz not null,
    used_at timestamptz,
    -- Since when its counter says that a copy of it exists; it proves nobody from then on.
    flagged_at timestamptz,
    primary key (partner_id, passkey_id),
    constraint passkeys_credential unique (partner_id, credential_id)
);
create index passkeys_of_person on identity.passkeys (partner_id, person_id);

-- Single-use values like those of 0062-single-use.sql: hour h writes slot h mod 8, and a slot is
-- emptied hours later. Whoever asks for a challenge may be nobody yet, so the key cannot start with
-- a partner.
create table identity.passkey_challenges (
    slot smallint not null,
    hash bytea not null check (octet_length(hash) = 32),
    ceremony text not null check (ceremony in ('register', 'sign_in')),
    realm text not null,
    browser_hash bytea not null check (octet_length(browser_hash) = 32),
    -- Whom it was made for; empty when whoever holds a passkey may answer.
    partner_id text not null,
    person_id text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (slot, hash)
) partition by list (slot);

do $$
declare
    slot integer;
begin
    for slot in 0..7 loop
        execute pg_catalog.format(
            'create table identity.passkey_challenges_%s partition of identity.passkey_challenges'
            ' for values in (%s)', slot, slot);
    end loop;
end $$;

-- Empties one partition; false when it was empty. Waits only briefly for whoever uses it.
create function identity.clear_challenges(which integer) returns boolean
language plpgsql volatile set lock_timeout = '50ms' as $$
declare
    filled boolean;
begin
    if which not between 0 and 7 then
        raise exception 'no such slot: %', which;
    end if;
    execute pg_catalog.format('select exists (select from identity.passkey_challenges_%s)', which)
        into filled;
    if filled then
        execute pg_catalog.format('truncate identity.passkey_challenges_%s', which);
    end if;
    return filled;
end $$;
