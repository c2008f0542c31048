-- What a client registers beyond its keys: signed messages, its sender constraint, keys by URL,
-- decoupled approval. What a request asks for as its answer's form; what a token is bound to.
create schema if not exists identity;

alter table identity.clients
    -- Set: the client signs every authorization request (RFC 9101) with this algorithm.
    add column request_object_signing_alg text
        check (request_object_signing_alg in ('ES256', 'PS256', 'EdDSA')),
    -- Set: the client takes its answers as JWTs only (JARM), signed with this algorithm.
    add column authorization_signed_response_alg text
        check (authorization_signed_response_alg = 'ES256'),
    -- What the client's tokens are bound to: a DPoP key (RFC 9449) or a certificate (RFC 8705).
    add column sender_constraint text not null default 'dpop'
        check (sender_constraint in ('dpop', 'mtls')),
    -- Whether the client may ask a customer who is elsewhere (OpenID CIBA, poll mode).
    add column backchannel boolean not null default false,
    -- Set: `jwks` is the last good key set fetched from there.
    add column jwks_uri text,
    add column jwks_fetched_at timestamptz,
    add column jwks_tried_at timestamptz,
    add column version bigint not null default 1;

alter table identity.pushed_requests
    add column response_mode text not null default 'query'
        check (response_mode in ('query', 'jwt'));

-- A token is bound to one thing: `jkt` is empty when it is a certificate.
alter table identity.access_tokens
    add column x5t text not null default '',
    add constraint access_tokens_bound check ((jkt = '') <> (x5t = ''));
