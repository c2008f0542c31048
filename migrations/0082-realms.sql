-- Staff of the bank and users of a partner log in by the same tables as customers, each in a realm
-- of its own. Bank staff belong to no partner: their space is called 'bank'.
alter table identity.credentials rename column customer_id to person_id;
alter table identity.credentials
    add column realm text not null default 'customer'
        check (realm in ('customer', 'staff', 'partner')),
    -- Who is blocked logs in by no factor.
    add column blocked_at timestamptz,
    drop constraint credentials_login,
    -- A customer and a user of the same partner may have chosen the same name.
    add constraint credentials_login unique (partner_id, realm, login);

alter table identity.totp_factors rename column customer_id to person_id;

alter table identity.sessions rename column customer_id to person_id;
alter table identity.sessions
    add column realm text not null default 'customer'
        check (realm in ('customer', 'staff', 'partner')),
    -- Codes that were wrong since the last proof: at the limit the session ends.
    add column codes_failed smallint not null default 0;

drop index identity.credentials_by_login;
create index credentials_by_login on identity.credentials (realm, login);

alter index identity.sessions_of_customer rename to sessions_of_person;
