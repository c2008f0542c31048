"""The rate an app agreed on holds over all edge workers and all wires together, to the call."""

import math
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.journeys.dialects import Dialect, Wish
from tests.journeys.newcomer import Newcomer, Terms, arrives
from tests.journeys.raw import Heard, Message, send
from tests.platform import Platform

pytestmark = pytest.mark.xdist_group("journeys")

PRODUCTS = ["merchant.scan-payments"]
RATE, BURST = 1, 60
CALLS = 140
# Connections at once; the kernel spreads them over both workers.
AT_ONCE = 12
THROTTLED = {
    "native": "429 limit.rate_exceeded",
    "icbc": "500031",
    "alipay": "40004 isv.call-limited",
    "alipay3": "429 call-limited",
}
# What an app without orders hears when it may call.
GRANTED = {
    "native": "404 order.not_found",
    "icbc": "600404",
    "alipay": "40004 ACQ.TRADE_NOT_EXIST",
    "alipay3": "404 TRADE_NOT_EXIST",
}


def test_the_burst_is_granted_to_the_call_over_two_workers_and_four_wires(
    platform: Platform,
) -> None:
    newcomer = arrives(platform, Terms(products=PRODUCTS, rate_per_second=RATE, burst=BURST))
    callers = [newcomer.dialects[number % 4] for number in range(CALLS)]
    messages = [each.message(Wish(operation="ask")) for each in callers]

    began = time.time()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        heard = list(threads.map(lambda message: send(platform.edge, message), messages))
    seconds = time.time() - began

    told = [_told(*each) for each in zip(callers, heard, messages, strict=True)]
    granted = told.count("granted")
    assert BURST <= granted <= BURST + math.ceil(seconds * RATE)
    assert granted + told.count("throttled") == CALLS
    # The first half of a request id is its worker's own.
    assert len({answer.headers["x-request-id"][:16] for answer in heard}) == 2


@pytest.fixture(scope="module")
def slow(platform: Platform) -> Newcomer:
    """An app that may call five times a second."""
    return arrives(platform, Terms(products=PRODUCTS, rate_per_second=5, burst=5))


def test_every_dialect_says_when_to_come_again_and_means_it(
    slow: Newcomer, platform: Platform
) -> None:
    for each in slow.dialects:
        heard, told = _called(platform, each)
        while told == "granted":
            heard, told = _called(platform, each)

        wait = int(heard.headers["retry-after"])
        time.sleep(wait)

        assert wait == 1
        assert _called(platform, each)[1] == "granted", each.name


def test_a_stranger_who_knows_the_apps_id_takes_nothing_of_its_rate(
    slow: Newcomer, platform: Platform
) -> None:
    time.sleep(1)
    for each in slow.dialects:
        for _ in range(8):
            send(platform.edge, each.message(Wish(unsigned=True)))

    told = [_called(platform, each)[1] for each in slow.dialects]

    assert told == ["granted"] * len(slow.dialects)


def _called(platform: Platform, dialect: Dialect) -> tuple[Heard, str]:
    message = dialect.message(Wish(operation="ask"))
    heard = send(platform.edge, message)
    return heard, _told(dialect, heard, message)


def _told(dialect: Dialect, heard: Heard, message: Message) -> str:
    """``granted`` or ``throttled``, both in the dialect's own words and signed."""
    code = dialect.read(heard, message).code
    if code == THROTTLED[dialect.wire]:
        assert int(heard.headers["retry-after"]) >= 1
        return "throttled"
    assert code == GRANTED[dialect.wire], code
    return "granted"
