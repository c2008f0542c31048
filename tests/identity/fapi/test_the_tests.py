"""The tests are proven: on each weakened copy of a rule the expected ones fail.

The rules are patched in this process; no switch in the product could do it. Every test named here
passes on the real rules in its own module, in the same run. Source: security guide, section 15.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import pytest
from tests.identity.fapi import (
    test_backchannel,
    test_certificates,
    test_client_assertions,
    test_code_flow,
    test_grants,
    test_message_signing,
    test_proofs,
    test_pushed_requests,
    test_races,
    test_tokens,
)
from tests.identity.fapi.rig import CALLBACK, FAPIClient, World

from bankside.identity import authorisations, messages
from bankside.identity.assertions import store as jtis
from bankside.identity.authorisations import rules, store
from bankside.identity.backchannel import rules as polling
from bankside.identity.clients import active_client
from bankside.identity.errors import RequestInvalid
from bankside.identity.http import AuthorizationServer
from bankside.identity.tokens import access_of
from bankside.identity.tokens import service as tokens
from bankside.kernel.certificates import TrustedHops

# The package exports functions of the same names as these modules.
endpoints, grant_routes, serving = [
    import_module(f"bankside.identity.http.{name}") for name in ("routes", "grants", "server")
]
Patch = pytest.MonkeyPatch
Case = Callable[[FAPIClient], Awaitable[None]]
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


async def _yes(*_: Any, **__: Any) -> bool:
    return True


async def _nothing(*_: Any, **__: Any) -> None:
    return None


# --- the weakened rules ----------------------------------------------------------------------


def par_optional(patch: Patch) -> None:
    real = endpoints.open_interaction

    async def weak(db: Any, clock: Any, *, client_id: str, request_uri: str, browser: str) -> Any:
        if not request_uri:
            client = await active_client(db, client_id)
            form = {
                **{"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid"},
                **{"code_challenge": CHALLENGE, "code_challenge_method": "S256"},
            }
            push = authorisations.push_request
            request_uri, _ = await push(db, clock, client, form, proof_jkt=None)
        return await real(db, clock, client_id=client_id, request_uri=request_uri, browser=browser)

    patch.setattr(endpoints, "open_interaction", weak)


def pkce_optional(patch: Patch) -> None:
    real = endpoints.push_request

    async def weak(db: Any, clock: Any, client: Any, form: Mapping[str, str], **more: Any) -> Any:
        pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        return await real(db, clock, client, {**form, **pkce}, **more)

    patch.setattr(endpoints, "push_request", weak)
    patch.setattr(authorisations, "proves", lambda *_: True)


def replay_allowed(patch: Patch) -> None:
    patch.setattr(jtis, "claim", _yes)


def code_reusable(patch: Patch) -> None:
    patch.setattr(authorisations, "use_code", _yes)
    patch.setattr(tokens, "_check_unused", _nothing)


def no_iss(patch: Patch) -> None:
    real = rules.answer_address

    def weak(redirect_uri: str, answer: Mapping[str, str | None]) -> str:
        return real(redirect_uri, {**answer, "iss": None})

    patch.setattr(rules, "answer_address", weak)


def any_redirect(patch: Patch) -> None:
    real = rules.check_shape

    def weak(form: Mapping[str, str], client: Any) -> None:
        real(form, replace(client, redirect_uris=(form.get("redirect_uri"),)))

    patch.setattr(rules, "check_shape", weak)


def request_uri_reusable(patch: Patch) -> None:
    patch.setattr(store, "use_request", _yes)


def open_introspection(patch: Patch) -> None:
    real = endpoints.introspect

    async def weak(db: Any, clock: Any, issuer: str, client: Any, token: str) -> Any:
        access = await access_of(db, clock, token)
        if access is None:
            return await real(db, clock, issuer, client, token)
        return {"active": True, "sub": access.subject, "client_id": access.client_id}

    patch.setattr(endpoints, "introspect", weak)


def proof_unchecked(patch: Patch) -> None:
    async def weak(db: Any, clock: Any, target: Any, proofs: Any, **_: Any) -> Any:
        return await access_of(db, clock, target.access_token)

    patch.setattr(serving, "prove_access", weak)


def bearer_accepted(patch: Patch) -> None:
    async def weak(db: Any, clock: Any, sent: Any, x5t: Any, **_: Any) -> Any:
        return await access_of(db, clock, sent[0].split()[-1])

    patch.setattr(serving, "prove_certificate", weak)


def unsigned_accepted(patch: Patch) -> None:
    patch.setattr(messages.request_objects, "_check_may_be_unsigned", lambda _: None)


def any_audience(patch: Patch) -> None:
    patch.setattr(messages.request_objects, "_check_envelope", lambda *_: None)


def any_hop_trusted(patch: Patch) -> None:
    patch.setattr(TrustedHops, "__contains__", lambda *_: True)


def never_too_soon(patch: Patch) -> None:
    patch.setattr(polling, "is_too_soon", lambda *_: False)


def foreign_grants(patch: Patch) -> None:
    async def weak(db: Any, partner: str, grant: str) -> Any:
        owner = await db.fetchrow(
            "select partner_id, client_id from identity.grants where grant_id = $1", grant
        )
        if owner is None:
            return None
        found = await authorisations.read_grant(db, owner["partner_id"], grant)
        asks = await db.fetchval(
            "select client_id from identity.clients where partner_id = $1", partner
        )
        return found and replace(found, client_id=asks, revoked_at=None)

    patch.setattr(grant_routes, "read_grant", weak)


def refuse_everything(patch: Patch) -> None:
    async def weak(*_: Any) -> Any:
        raise RequestInvalid("no")

    patch.setattr(AuthorizationServer, "decided", weak)


# --- which tests must notice -----------------------------------------------------------------


@dataclass(frozen=True)
class Weakness:
    rule: Callable[[Patch], None]
    noticed_by: tuple[Case, ...]
    register: Mapping[str, Any] | None = None


def refused(**change: Any) -> Case:
    """The parametrised PAR test with one change."""

    def case(client: FAPIClient) -> Awaitable[None]:
        shape = test_pushed_requests.test_a_request_outside_the_profile_is_refused
        return shape(client, change, 400, "invalid_request")

    return case


def with_stranger(test: Callable[[FAPIClient, World], Awaitable[None]]) -> Case:
    return lambda client: test(client, client.world)


async def asking(client: FAPIClient) -> None:
    await client.world.customer(client)
    await test_backchannel.test_polling_too_quickly_costs_five_seconds_each_time(client)


async def behind_a_proxy(client: FAPIClient) -> None:
    server = client.world.server
    async with (
        test_certificates.layered(server) as proxied,
        test_certificates.layered(server, sender="192.0.2.9") as direct,
    ):
        client.world.webs[:] = [proxied, direct]
        client.browser = proxied
        await test_certificates.test_a_certificate_header_from_an_untrusted_hop_is_ignored(client)


def other_audience(client: FAPIClient) -> Awaitable[None]:
    test = test_message_signing.test_ensure_request_object_speaks_of_this_call
    return test(client, {"aud": "https://other.example"})


SIGNING = test_message_signing.SIGNING
WEAKNESSES = [
    Weakness(
        par_optional,
        (test_pushed_requests.test_ensure_authorization_request_without_par_fails,),
    ),
    Weakness(
        pkce_optional,
        (
            refused(code_challenge=None),
            refused(code_challenge_method="plain"),
            lambda client: test_tokens.test_a_failed_exchange_burns_no_code(
                client, {"code_verifier": "v" * 43}, "invalid_grant"
            ),
        ),
    ),
    Weakness(
        replay_allowed,
        (
            test_client_assertions.test_ensure_client_assertion_in_pars_and_token_is_used_once,
            test_proofs.test_dpop_negative_replay,
            test_races.test_twenty_requests_with_one_assertion,
            test_races.test_twenty_calls_with_one_proof,
        ),
    ),
    Weakness(
        code_reusable,
        (
            test_tokens.test_attempt_reuse_authorization_code_after_one_second,
            test_races.test_twenty_redemptions_of_one_code,
        ),
    ),
    Weakness(
        no_iss,
        (test_code_flow.test_happy_flow, test_code_flow.test_user_rejects_authentication),
    ),
    Weakness(
        any_redirect,
        (
            refused(redirect_uri=CALLBACK + "/"),
            refused(redirect_uri="https://user@app.example/callback"),
            refused(redirect_uri="http://app.example/callback"),
        ),
    ),
    Weakness(
        request_uri_reusable,
        (
            test_pushed_requests.test_par_attempt_reuse_request_uri,
            test_pushed_requests.test_a_request_is_answered_once,
            test_races.test_two_browsers_that_answer_at_once_make_one_grant,
        ),
    ),
    Weakness(
        open_introspection,
        (with_stranger(test_tokens.test_introspection_tells_of_own_tokens_only),),
    ),
    Weakness(proof_unchecked, (test_tokens.test_a_resource_checks_the_proof_every_time,)),
    Weakness(bearer_accepted, (test_tokens.test_a_resource_takes_the_token_in_the_header_only,)),
    Weakness(
        unsigned_accepted,
        (test_message_signing.test_ensure_unsigned_request_at_par_endpoint_fails,),
        SIGNING,
    ),
    Weakness(any_audience, (other_audience,), SIGNING),
    Weakness(any_hop_trusted, (behind_a_proxy,), {"sender_constraint": "mtls"}),
    Weakness(never_too_soon, (asking,), {"backchannel": True}),
    Weakness(
        foreign_grants,
        (with_stranger(test_grants.test_unknown_ended_and_foreign_grants_answer_alike),),
        {"scopes": test_grants.SCOPES},
    ),
    # Every negative test passes on a server that refuses all; these do not let it.
    Weakness(
        refuse_everything,
        (
            test_code_flow.test_happy_flow,
            with_stranger(test_tokens.test_a_strangers_revocation_changes_nothing),
            test_races.test_twenty_parallel_refreshes_all_succeed,
            lambda client: test_tokens.test_a_failed_exchange_burns_no_code(
                client, {"code": None}, "invalid_request"
            ),
        ),
    ),
]
CASES = [
    pytest.param(weakness, case, id=f"{weakness.rule.__name__}-{number}")
    for weakness in WEAKNESSES
    for number, case in enumerate(weakness.noticed_by)
]


@pytest.mark.parametrize(("weakness", "case"), CASES)
async def test_a_weakened_rule_is_noticed(
    world: World, monkeypatch: Patch, weakness: Weakness, case: Case
) -> None:
    client = await world.client(**(weakness.register or {}))
    weakness.rule(monkeypatch)

    # A mistake in this module (TypeError and the like) is no failure of the test.
    with pytest.raises((AssertionError, KeyError, pytest.fail.Exception)):
        await case(client)
