"""What a caller meets of a product on trial, suspended, on its way out, or gone."""

from dataclasses import replace
from typing import Any

import pytest
from tests.gateway.edge import ASK, ECHO, NOW, PAY, Edge, ask, partner_app, pay, problem

from bankside.gateway.exchange import Reply
from bankside.gateway.stages.offer import offered
from bankside.kernel.snapshot import Operation, Stage

DAY = 86_400
DEPRECATED = Stage(
    "deprecated",
    deprecated_at=1_772_000_000,
    sunset_at=1_772_000_000 + 180 * DAY,
    successor="merchant.checkout-payments",
    link="/v1/checkout-payments",
)


def edge(stage: Stage, **app: Any) -> Edge:
    """An edge whose payments stand at ``stage``."""
    served = (replace(PAY, stage=stage), replace(ASK, stage=stage), ECHO)
    return Edge(partner_app(**app), operations=served)


def newer(stage: Stage) -> Operation:
    """The second version of the payment, on trial."""
    return replace(PAY, version=2, stage=stage)


def code(reply: Reply) -> str:
    return str(problem(reply)["code"])


async def test_a_product_on_trial_is_there_for_sandbox_apps_and_unknown_to_live_ones() -> None:
    trial = Stage("sandbox")

    assert (await edge(trial).call(pay())).status == 201
    refused = await edge(trial, environment="live").call(pay())

    assert (refused.status, code(refused)) == (404, "route.not_found")


async def test_a_trial_for_named_partners_is_unknown_to_the_others() -> None:
    for state in ("sandbox", "canary"):
        theirs = Stage(state, partners=frozenset({"prt_food"}))  # type: ignore[arg-type]
        others = Stage(state, partners=frozenset({"prt_other"}))  # type: ignore[arg-type]

        assert (await edge(theirs).call(pay())).status == 201
        assert (await edge(others).call(pay())).status == 404


async def test_a_canary_answers_its_partners_live_apps() -> None:
    canary = Stage("canary", partners=frozenset({"prt_food"}))

    assert (await edge(canary, environment="live").call(pay())).status == 201


async def test_a_newer_version_answers_whom_it_is_open_to_and_the_stable_one_all_others() -> None:
    canary = newer(Stage("canary", partners=frozenset({"prt_food"})))
    stable = Stage(newer=canary)
    pilot, other = edge(stable), edge(stable, partner="prt_other")

    assert (await pilot.call(pay())).status == (await other.call(pay())).status == 201

    assert (pilot.calls[0].operation.version, other.calls[0].operation.version) == (2, 1)


async def test_a_share_of_the_partners_is_the_same_ones_each_time_and_grows() -> None:
    def served(share: int) -> set[int]:
        return {
            number
            for number in range(200)
            if _is_served(newer(Stage("canary", share=share)), f"prt_{number}")
        }

    few, many = served(500), served(5_000)

    assert few < many
    assert 2 <= len(few) <= 25
    assert 70 <= len(many) <= 130
    assert served(0) == set()
    assert served(10_000) == set(range(200))


def _is_served(operation: Operation, partner: str) -> bool:
    made = edge(Stage(newer=operation), partner=partner)
    x = made.exchange(pay())
    x.app = made.serving.current.apps["app_food"]
    x.operation = made.serving.current.operations[PAY.id]
    assert offered(x, made.serving.current) is None
    return x.operation.version == 2


async def test_a_deprecated_product_works_and_says_until_when_and_what_follows() -> None:
    reply = await edge(DEPRECATED).call(pay())

    assert reply.status == 201
    headers = dict(reply.headers)
    assert headers["deprecation"] == "@1772000000"
    assert headers["sunset"] == "Mon, 24 Aug 2026 06:13:20 GMT"
    assert headers["link"] == '</v1/checkout-payments>; rel="successor-version"'


async def test_a_refusal_of_a_deprecated_product_says_so_too() -> None:
    reply = await edge(DEPRECATED).call(pay(key=""))

    assert reply.status == 400
    assert "sunset" in dict(reply.headers)


async def test_a_live_product_says_nothing_of_an_end() -> None:
    headers = dict((await Edge().call(pay())).headers)

    assert not {"deprecation", "sunset", "link"} & headers.keys()


async def test_a_product_that_was_withdrawn_names_its_successor_and_carries_nothing_out() -> None:
    gone = edge(replace(DEPRECATED, state="offline"))

    for request in (pay(), ask()):
        reply = await gone.call(request)
        said = problem(reply)
        assert (reply.status, said["code"]) == (410, "product.offline")
        assert said["successor"] == "merchant.checkout-payments"
        assert "/v1/checkout-payments" in said["detail"]
    assert gone.calls == []


async def test_who_cancelled_its_subscription_still_hears_that_the_product_is_gone() -> None:
    gone = edge(replace(DEPRECATED, state="offline"), products=frozenset({"platform"}))

    assert (await gone.call(pay())).status == 410


async def test_a_stranger_learns_nothing_of_a_products_end() -> None:
    gone = edge(replace(DEPRECATED, state="offline"))
    signed = gone.signed(pay())
    reply = await gone.send(replace(signed, headers=signed.headers | {"signature": "sig1=:AAAA:"}))

    assert reply.status == 401
    assert "sunset" not in dict(reply.headers)


async def test_a_suspended_product_asks_to_come_again_and_did_nothing() -> None:
    stopped = edge(Stage("suspended"))

    reply = await stopped.call(pay())

    assert (reply.status, code(reply)) == (503, "product.suspended")
    assert dict(reply.headers)["retry-after"] == "60"
    assert "outcome" not in problem(reply)
    assert stopped.calls == []


@pytest.mark.parametrize("state", ["canary", "live", "deprecated", "suspended", "offline"])
async def test_the_edge_needs_no_clock_of_the_life_cycle(state: str) -> None:
    """Times in a stage are for callers to read; what is in force is what was published."""
    stage = Stage(state, partners=frozenset({"prt_food"}), sunset_at=int(NOW) - DAY)  # type: ignore[arg-type]

    expected = {"suspended": 503, "offline": 410}.get(state, 201)

    assert (await edge(stage).call(pay())).status == expected
