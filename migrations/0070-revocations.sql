-- What ended before its time, numbered in the order of its commits, so that every edge can say
-- up to where it knows. The numbers are given at commit, by triggers that wait until then: number
-- order is commit order, whoever knows number n has missed nothing before it, and the one row they
-- all queue on is held for the length of a commit only.
create schema if not exists identity;

create table identity.revocation_head (
    -- The bank's own: one row.
    one boolean primary key default true check (one),
    seq bigint not null
);
insert into identity.revocation_head (seq) values (0);

create table identity.revocations (
    seq bigint primary key,
    kind text not null check (kind in ('token', 'grant', 'consent')),
    partner_id text not null,
    -- SHA-256 of a token in hex, or the id of what ended.
    subject text not null,
    -- What tokens of an ended consent hang on, if anything.
    grant_id text,
    revoked_at timestamptz not null default clock_timestamp()
);

-- One row an edge process: up to which number it knows, and until when it may answer calls by
-- token without hearing from us. Times are this database's own.
create table identity.edge_leases (
    edge_id text primary key,
    applied_seq bigint not null,
    expires_at timestamptz not null
);

create function identity.number_revocation(kind text, partner text, subject text, grant_id text)
returns void language plpgsql volatile as $$
declare
    given bigint;
begin
    update identity.revocation_head set seq = seq + 1 returning seq into given;
    insert into identity.revocations (seq, kind, partner_id, subject, grant_id)
    values (given, kind, partner, subject, grant_id);
    perform pg_catalog.pg_notify('bankside_revocations', given::text);
end $$;

create function identity.token_revoked() returns trigger language plpgsql as $$
begin
    -- An edge keeps no token beyond its end; the minute is for clocks that differ.
    if new.expires_at > new.revoked_at - interval '1 minute' then
        perform identity.number_revocation(
            'token', new.partner_id, pg_catalog.encode(new.hash, 'hex'), null);
    end if;
    return null;
end $$;
create constraint trigger access_tokens_revoked after update of revoked_at
    on identity.access_tokens deferrable initially deferred for each row
    when (old.revoked_at is null and new.revoked_at is not null)
    execute function identity.token_revoked();

create function identity.grant_revoked() returns trigger language plpgsql as $$
begin
    perform identity.number_revocation('grant', new.partner_id, new.grant_id, new.grant_id);
    return null;
end $$;
create constraint trigger grants_revoked after update of revoked_at
    on identity.grants deferrable initially deferred for each row
    when (old.revoked_at is null and new.revoked_at is not null)
    execute function identity.grant_revoked();
