-- A consent that is taken back is numbered like a token that is (0070): the edges hear of it.
create schema if not exists identity;

create function identity.consent_revoked() returns trigger language plpgsql as $$
begin
    perform identity.number_revocation('consent', new.partner_id, new.consent_id, new.grant_id);
    return null;
end $$;
create constraint trigger consents_revoked after update of status
    on identity.consents deferrable initially deferred for each row
    when (old.status = 'authorised' and new.status not in ('authorised', 'consumed', 'expired'))
    execute function identity.consent_revoked();
