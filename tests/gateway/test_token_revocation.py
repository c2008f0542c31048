"""Revocations at one edge: nothing is answered under what ended, also when it ends midway."""

import asyncio
from typing import Any

import pytest
from tests.gateway.edge import problem
from tests.gateway.test_token_calls import ACCOUNTS, PAYMENTS
from tests.gateway.token_edge import CLIENT, PARTNER, TokenEdge, error

from bankside.gateway.errors import LookupsBusy
from bankside.gateway.tokens import (
    LOOKUPS_MAX,
    Access,
    Ended,
    Tokens,
    consent_mark,
    grant_marks,
    token_mark,
)
from bankside.identity.values import digest
from bankside.kernel.call import Answer
from bankside.kernel.signing.rfc9421 import Request

GRANT, CONSENTS = grant_marks(PARTNER, "grt_1")
BALANCE = Request(
    "GET", "/v1/account-balances/acc_1", "", {"host": "b.example", "x-consent-id": "cns_1"}
)


class Slow:
    """An executing room that waits until it is told to answer."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.go = asyncio.Event()

    def __call__(self, call: Any) -> Any:
        return self._answer()

    async def _answer(self) -> Answer:
        self.entered.set()
        await self.go.wait()
        return Answer(200, {"Data": {}})


@pytest.mark.parametrize("mark", [token_mark(digest("at-good")), GRANT])
async def test_a_token_that_ended_is_refused_from_the_next_call_on(mark: str) -> None:
    edge = TokenEdge()
    holder = edge.holder()
    assert (await edge.by_token(holder, "GET", ACCOUNTS)).status == 200

    edge.good.clear()
    edge.revoke(mark)

    assert error(await edge.by_token(holder, "GET", ACCOUNTS)) == (401, "invalid_token")
    assert len(edge.asked) == 2


async def test_another_customers_revocation_changes_nothing() -> None:
    edge = TokenEdge()
    holder = edge.holder()
    await edge.by_token(holder, "GET", ACCOUNTS)

    edge.revoke(*grant_marks(PARTNER, "grt_2"))

    assert (await edge.by_token(holder, "GET", ACCOUNTS)).status == 200
    assert len(edge.asked) == 1


async def test_a_read_that_runs_while_its_grant_ends_is_not_answered() -> None:
    slow = Slow()
    edge = TokenEdge(execute=slow)
    running = asyncio.ensure_future(edge.by_token(edge.holder(), "GET", ACCOUNTS))
    await slow.entered.wait()

    edge.revoke(GRANT)
    slow.go.set()

    assert error(await running) == (401, "invalid_token")


async def test_a_payment_that_runs_while_its_grant_ends_says_its_outcome_is_unknown() -> None:
    slow = Slow()
    edge = TokenEdge(execute=slow)
    running = asyncio.ensure_future(
        edge.by_token(edge.holder(), "POST", PAYMENTS, body={}, x_idempotency_key="k-1")
    )
    await slow.entered.wait()

    edge.revoke(GRANT)
    slow.go.set()
    reply = await running

    assert reply.status == 401
    assert edge.meter.records[0][0].refusal.extra["outcome"] == "unknown"  # type: ignore[union-attr, index]


async def test_a_payment_whose_grant_ends_while_its_record_is_written_is_not_answered() -> None:
    edge = TokenEdge()
    holder = edge.holder()
    flush = edge.meter._flush

    async def flushed() -> None:
        edge.revoke(GRANT)
        await flush()

    edge.meter._flush = flushed  # type: ignore[method-assign]

    reply = await edge.by_token(holder, "POST", PAYMENTS, body={}, x_idempotency_key="k-1")

    assert error(reply) == (401, "invalid_token")


async def test_a_call_whose_consent_changes_midway_is_asked_again() -> None:
    slow = Slow()
    edge = TokenEdge(execute=slow)
    holder = edge.holder()
    running = asyncio.ensure_future(edge.by_token(holder, "GET", ACCOUNTS))
    await slow.entered.wait()

    edge.revoke(CONSENTS)
    slow.go.set()
    midway = await running
    after = await edge.by_token(holder, "GET", ACCOUNTS)

    assert (midway.status, dict(midway.headers)["retry-after"]) == (503, "1")
    assert after.status == 200, "the token itself is good; what it reaches is the consent's to say"


async def test_a_signed_call_under_a_consent_that_ends_midway_is_not_answered() -> None:
    slow = Slow()
    edge = TokenEdge(execute=slow)
    running = asyncio.ensure_future(edge.call(BALANCE))
    await slow.entered.wait()

    edge.revoke(consent_mark(PARTNER, "cns_1"))
    slow.go.set()
    reply = await running

    assert (reply.status, problem(reply)["code"]) == (401, "access.ended")


async def test_an_edge_whose_lease_ran_out_answers_for_no_token_and_no_consent() -> None:
    edge = TokenEdge()
    holder = edge.holder()
    await edge.by_token(holder, "GET", ACCOUNTS)

    edge.boot += 2_000
    by_token = await edge.by_token(holder, "GET", ACCOUNTS)
    under_consent = await edge.call(BALANCE)
    signed = await edge.call(Request(BALANCE.method, BALANCE.path, "", {"host": "b.example"}))

    assert by_token.status == 503
    assert problem(under_consent)["code"] == "edge.lease_lapsed"
    assert signed.status == 200, "calls by the app's own right go on"


async def test_a_lease_that_runs_out_midway_stops_the_answer() -> None:
    slow = Slow()
    edge = TokenEdge(execute=slow)
    running = asyncio.ensure_future(edge.by_token(edge.holder(), "GET", ACCOUNTS))
    await slow.entered.wait()

    edge.boot += 2_000
    slow.go.set()

    assert (await running).status == 503


def access(token: str, **change: Any) -> Access:
    facts: dict[str, Any] = {
        "partner": PARTNER,
        "client": CLIENT,
        "grant": "grt_1",
        "customer": "cus_1",
        "scopes": frozenset(),
        "details": (),
        "jkt": "",
        "expires_at": 2e9,
    }
    return Access(**facts | change)


async def test_what_was_revoked_while_it_was_looked_up_is_looked_up_again() -> None:
    answers: list[Access | None] = [access("a"), None]
    began, go = asyncio.Event(), asyncio.Event()

    async def look_up(token: str) -> Access | None:
        answer = answers.pop(0)
        began.set()
        await go.wait()
        return answer

    tokens = Tokens(look_up)
    tokens.begin(7)
    asking = asyncio.ensure_future(tokens.ask("a", b"a" * 32, 1e9))
    await began.wait()
    tokens.apply([Ended(8, (GRANT,))])
    go.set()

    assert await asking is None
    assert tokens.known(b"a" * 32, 1e9) is None


async def test_many_callers_with_one_new_token_ask_once() -> None:
    asked = 0

    async def look_up(token: str) -> Access | None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return access(token)

    tokens = Tokens(look_up)
    found = await asyncio.gather(*(tokens.ask("a", b"a" * 32, 1e9) for _ in range(50)))

    assert asked == 1
    assert all(each == found[0] for each in found)


async def test_no_more_than_so_many_tokens_are_looked_up_at_once() -> None:
    go = asyncio.Event()

    async def look_up(token: str) -> Access | None:
        await go.wait()
        return None

    tokens = Tokens(look_up)
    asking = [tokens.ask(str(n), n.to_bytes(32, "big"), 1e9) for n in range(LOOKUPS_MAX)]

    with pytest.raises(LookupsBusy):
        tokens.ask("one more", b"x" * 32, 1e9)
    go.set()
    assert await asyncio.gather(*asking) == [None] * LOOKUPS_MAX


async def test_the_oldest_token_leaves_when_there_are_too_many() -> None:
    async def look_up(token: str) -> Access | None:
        return access(token)

    tokens = Tokens(look_up, keep=2)
    for name in (b"a", b"b", b"c"):
        await tokens.ask(name.decode(), name * 32, 1e9)

    assert tokens.known(b"a" * 32, 1e9) is None
    assert tokens.known(b"c" * 32, 1e9) is not None
