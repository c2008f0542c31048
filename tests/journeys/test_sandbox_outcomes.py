"""Every code of the catalogue, asked for over the running edge on every wire that knows it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.journeys.books import Books, opened
from tests.journeys.dialects import Dialect, Wish, number
from tests.journeys.parties import dialects
from tests.journeys.raw import Message, line, send
from tests.platform import Platform
from tools.error_codes import refusals, wires_of
from tools.sandbox_values import wished

from bankside.gateway.exchange import Refusal
from bankside.gateway.wires.alipay import method_table
from bankside.gateway.wires.alipay.mapping import code_of
from bankside.gateway.wires.alipay.v3 import v3_code
from bankside.gateway.wires.icbc.codes import return_code

pytestmark = pytest.mark.xdist_group("journeys")


@pytest.fixture(scope="module")
def callers(platform: Platform) -> list[Dialect]:
    """One dialect of each wire, of an app that may call fast."""
    fast = [each for each in dialects(platform.demo) if not each.party.aes]
    return list({each.wire: each for each in reversed(fast)}.values())


@pytest.fixture(scope="module")
def books(platform: Platform) -> Iterator[Books]:
    """The books of the platform."""
    with opened(platform.home) as found:
        yield found


@pytest.mark.parametrize("wire", ["native", "icbc", "alipay", "alipay3"])
def test_every_code_is_had_in_every_dialect_that_knows_it(
    wire: str, callers: list[Dialect], platform: Platform
) -> None:
    (caller,) = [each for each in callers if each.wire == wire]
    met = [each for each in refusals() if wire in wires_of(each.code)]
    wrong = []
    for each in met:
        message = _wishing(caller.message(Wish()), wished(each))
        said = caller.read(send(platform.edge, message), message)
        expected = _spelled(caller, Refusal.of(each()))
        if said.code != expected:
            wrong.append((wished(each), said.code, expected))
        if wire == "icbc":
            assert said.content["error_code"] == each.code

    assert len(met) > 200
    assert not wrong


def test_a_refusal_that_was_asked_for_changes_nothing_and_its_number_stays_free(
    callers: list[Dialect], books: Books, platform: Platform
) -> None:
    native = next(each for each in callers if each.wire == "native")
    wish = Wish(fields={"order_no": number()})
    with line(platform.edge) as through:
        asked = _wishing(native.message(wish), "payment.funds_insufficient")
        refused = books.unchanged_by(lambda: native.read(through.send(asked), asked))

        message = native.message(wish)
        paid = native.read(through.send(message), message)

    assert (refused.code, paid.code) == ("409 payment.funds_insufficient", "202")


def test_an_unknown_result_is_told_by_the_same_key(
    callers: list[Dialect], platform: Platform
) -> None:
    native = next(each for each in callers if each.wire == "native")
    wish = Wish(fields={"order_no": number()})
    with line(platform.edge) as through:
        message = _wishing(native.message(wish), "unknown")
        lost = native.read(through.send(message), message)
        same = _wishing(native.message(wish), "latency=1")
        found = native.read(through.send(same), same)

    assert (lost.code, lost.content["outcome"]) == ("504 deadline.passed", "unknown")
    # The partner's own number tells the order that stands.
    assert (found.code, found.content["paid"]["amount"]) == ("200", "1.00")


def test_a_wish_that_is_none_is_refused(callers: list[Dialect], platform: Platform) -> None:
    native = next(each for each in callers if each.wire == "native")
    with line(platform.edge) as through:
        message = _wishing(native.message(Wish()), "no.such_code")
        said = native.read(through.send(message), message)

    assert said.code == "400 sandbox.outcome_invalid"


def test_the_form_dialects_carry_the_wish_as_a_signed_parameter(
    callers: list[Dialect], platform: Platform
) -> None:
    found = {}
    with line(platform.edge) as through:
        for each in callers:
            if each.wire in {"icbc", "alipay"}:
                wish = Wish(parameters={"sandbox_outcome": "payment.funds_insufficient"})
                message = each.message(wish)
                found[each.wire] = each.read(through.send(message), message).content

    assert found["icbc"]["error_code"] == "payment.funds_insufficient"
    assert found["alipay"]["sub_code"] == "ACQ.BUYER_BALANCE_NOT_ENOUGH"


def _wishing(message: Message, outcome: str) -> Message:
    return replace(message, headers=(*message.headers, ("x-sandbox-outcome", outcome)))


def _spelled(caller: Dialect, refusal: Refusal) -> str:
    if caller.wire == "native":
        return f"{refusal.status} {refusal.code}"
    if caller.wire == "icbc":
        return str(return_code(refusal))
    code = code_of(method_table(), method_table().methods["alipay.trade.pay"], refusal)
    if caller.wire == "alipay":
        return f"{code.code} {code.sub_code}"
    return " ".join(map(str, v3_code(code, refusal)))
