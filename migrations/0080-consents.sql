-- What a customer allows a third party: one row a consent, one row for each account of it.
-- The stored status is what somebody did; whether it still counts is decided with the clock
-- (identity.consents.rules.effective_status), so no job has to run for a consent to end.
create schema if not exists identity;

create table identity.consents (
    partner_id text not null,
    consent_id text not null,
    client_id text not null,
    client_name text not null,
    -- What asked for it: an authorisation request of this client asks once.
    request_ref text not null,
    kind text not null check (kind in ('account_access', 'payment')),
    status text not null check (
        status in ('awaiting_authorisation', 'authorised', 'consumed', 'rejected', 'revoked',
            'expired')),
    purpose text not null,
    permissions text[] not null,
    amount_minor bigint check (amount_minor > 0),
    currency text,
    creditor_name text,
    creditor_account text,
    remittance_information text,
    end_to_end_id text,
    requested_at timestamptz not null,
    answer_by timestamptz not null,
    valid_until timestamptz not null,
    customer_id text,
    grant_id text,
    -- How the customer proved who it is when it decided (RFC 8176 values).
    amr text[] not null default '{}',
    -- SHA-256 of what the page showed when the customer decided.
    shown bytea,
    authorised_at timestamptz,
    ended_at timestamptz,
    last_used_at timestamptz,
    version bigint not null default 1,
    primary key (partner_id, consent_id),
    constraint consents_request unique (partner_id, client_id, request_ref),
    check ((kind = 'payment') = (amount_minor is not null and currency is not null
        and creditor_name is not null and creditor_account is not null)),
    check (status not in ('authorised', 'consumed', 'revoked')
        or (customer_id is not null and authorised_at is not null))
);

create index consents_of_customer on identity.consents (partner_id, customer_id, consent_id)
    where customer_id is not null;
create index consents_of_grant on identity.consents (partner_id, grant_id)
    where grant_id is not null;
create index consents_running_out on identity.consents (least(answer_by, valid_until))
    where status = 'awaiting_authorisation';
create index consents_ending on identity.consents (valid_until) where status = 'authorised';

create table identity.consent_accounts (
    partner_id text not null,
    consent_id text not null,
    account_id text not null,
    permissions text[] not null,
    primary key (partner_id, consent_id, account_id),
    foreign key (partner_id, consent_id) references identity.consents
);

-- What a browser was answered when the customer decided: a double click gets the same answer again
-- for a minute. Sealed under the secret in the browser's cookie, which stands nowhere here.
create table identity.decision_answers (
    partner_id text not null,
    interaction_id text not null,
    browser_hash bytea not null,
    sealed_address bytea not null,
    answered_at timestamptz not null,
    primary key (partner_id, interaction_id, browser_hash)
);
create index decision_answers_old on identity.decision_answers (answered_at);
