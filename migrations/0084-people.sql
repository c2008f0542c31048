-- Staff of the bank (space 'bank') and users of partners: who they are, their roles, and the link by
-- which each of them sets password and second factor once. Customers stand in the bank's schema.
create table identity.people (
    partner_id text not null,
    person_id text not null,
    realm text not null check (realm in ('staff', 'partner')),
    login text not null,
    name text not null,
    roles text[] not null check (cardinality(roles) > 0),
    created_at timestamptz not null,
    enrolled_at timestamptz,
    blocked_at timestamptz,
    version bigint not null default 1,
    primary key (partner_id, person_id),
    constraint people_login unique (partner_id, realm, login),
    check ((realm = 'staff') = (partner_id = 'bank'))
);

-- One link a person: a new one replaces the one before.
create table identity.enrolments (
    partner_id text not null,
    person_id text not null,
    hash bytea not null check (octet_length(hash) = 32),
    -- The authenticator secret that the page shows, sealed; it becomes the factor when proven.
    sealed_secret bytea not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (partner_id, person_id),
    constraint enrolments_link unique (partner_id, hash)
);
