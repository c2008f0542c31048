-- The DPoP proof of a call that moves money is used up in the transaction that moves it: the edges'
-- own memory of used proofs is lost with the machine, the money's is not.
create schema if not exists identity;

create function identity.use_proof(
    partner text, client text, digest bytea, at_slot integer, until timestamptz
) returns void language plpgsql volatile set search_path = pg_catalog as $$
begin
    if not identity.claim_jti('proof_jtis', partner, client, digest, at_slot, until) then
        raise exception 'the proof was used before'
            using errcode = 'unique_violation', constraint = 'proof_used_once';
    end if;
end $$;
