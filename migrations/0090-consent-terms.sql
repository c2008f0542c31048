-- What a client may say when it asks for a consent before the customer comes, two kinds of consent
-- more (payments again and again within limits, confirming funds), and a consent ended by its client.
create schema if not exists identity;

alter table identity.consents
    -- Entries booked in this period may be read; null leaves that end open.
    add column entries_from timestamptz,
    add column entries_to timestamptz,
    -- The one account the client asks about or wants to be paid from; '' leaves it to the customer.
    add column debtor_account text not null default '',
    -- UK Open Banking RemittanceInformation.Reference of a payment.
    add column creditor_reference text not null default '',
    -- Limits of payments again and again, as identity.consents.model.RecurringTerms.
    add column recurring jsonb,
    -- The client's own request, as it came: answered back, and compared with what follows from it.
    add column stated jsonb;

alter table identity.consents drop constraint consents_kind_check;
alter table identity.consents add constraint consents_kind_check
    check (kind in ('account_access', 'payment', 'recurring_payments', 'funds_confirmation'));
alter table identity.consents add constraint consents_recurring
    check ((kind = 'recurring_payments') = (recurring is not null));
alter table identity.consents drop constraint consents_status_check;
alter table identity.consents add constraint consents_status_check
    check (status in ('awaiting_authorisation', 'authorised', 'consumed', 'rejected', 'revoked',
        'terminated', 'expired'));

create index consents_of_client on identity.consents (partner_id, client_id, consent_id);

-- What was paid under a recurring consent in one period; the check is the period's limit, so of
-- racing payments those that would exceed it fail, whatever they had read before.
create table identity.consent_spending (
    partner_id text not null,
    consent_id text not null,
    period text not null,
    alignment text not null,
    starts_on date not null,
    spent bigint not null check (spent > 0),
    ceiling bigint not null,
    primary key (partner_id, consent_id, period, alignment, starts_on),
    foreign key (partner_id, consent_id) references identity.consents,
    constraint consent_within_limit check (spent <= ceiling)
);

-- The consent is used at this instant, inside the transaction of what it is used for: once and for
-- all (p_consumes), or noted. A consent that is not the one that was decided upon, or has been
-- taken back or ended meanwhile, violates consent_in_force.
create function identity.use_consent(
    p_partner text, p_consent text, p_version bigint, p_at timestamptz, p_consumes boolean
) returns void language plpgsql as $$
begin
    update identity.consents
       set status = case when p_consumes then 'consumed' else status end,
           ended_at = case when p_consumes then p_at else ended_at end,
           version = version + case when p_consumes then 1 else 0 end,
           last_used_at = p_at
     where partner_id = p_partner and consent_id = p_consent and version = p_version
       and status = 'authorised' and valid_until > p_at;
    if not found then
        raise exception 'the consent is not in force'
            using errcode = 'check_violation', constraint = 'consent_in_force';
    end if;
end $$;
