"""One key, many callers: at once, in doubt, gone away. Money moves once.

Source: reliability guide, section 3 (idempotency and unknown results).
"""

import random
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.journeys.books import Books, opened
from tests.journeys.dialects import Native, number
from tests.journeys.native_app import Answered, NativeApp
from tests.journeys.parties import dialects_of
from tests.journeys.raw import Message, send
from tests.platform import Platform

pytestmark = pytest.mark.xdist_group("journeys")

PATH = "/v1/internal-transfers"
AT_ONCE = 50
IMPATIENT = 60
FINAL_SECONDS = 15.0


@dataclass(frozen=True)
class Purse:
    """An app that pays from one account to another, and the books to look at."""

    app: NativeApp
    payer: str
    payee: str
    books: Books

    def body(self, minor: int) -> dict[str, Any]:
        """A transfer of so many fen."""
        return {
            "payer_account": self.payer,
            "payee_account": self.payee,
            "amount": {"amount": f"0.{minor:02d}", "currency": "CNY"},
        }

    def message(self, minor: int, key: str) -> Message:
        """The signed transfer."""
        return self.app.message("POST", PATH, self.body(minor), key=key)

    def send(self, message: Message) -> Answered:
        """Send and prove."""
        return self.app.answered(send(self.app.edge, message), message)

    def balance(self) -> int:
        """What the payer has, in fen."""
        sql = "select balance from bank.ledger_accounts where account_id = $1"
        return int(self.books.ask(sql, self.payer)[0]["balance"])


@pytest.fixture(scope="module")
def purse(platform: Platform) -> Iterator[Purse]:
    demo = platform.demo
    app = demo["apps"][0]
    native = next(
        each
        for each in dialects_of(demo, app)
        if isinstance(each, Native) and each.party.alg == "hmac-sha256"
    )
    own = [each for each in demo["customers"] if each["partner"] == app["partner"]]
    payer, payee = (each["accounts"][0]["id"] for each in own[:2])
    with opened(platform.home) as books:
        yield Purse(NativeApp(platform.edge, native), payer, payee, books)


def test_fifty_equal_calls_at_once_move_money_once(purse: Purse) -> None:
    key, before = number(), purse.balance()
    messages = [purse.message(7, key) for _ in range(AT_ONCE)]

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(purse.send, messages))

    told = Counter((each.status, each.code) for each in answers)
    assert set(told) <= {(201, ""), (409, "idempotency.in_progress")}, told
    made = [each for each in answers if each.status == 201]
    assert len({each.body["id"] for each in made}) == 1
    assert [each.hit for each in made].count(False) == 1
    assert before - purse.balance() == 7


def test_of_fifty_requests_under_one_key_one_is_carried_out(purse: Purse) -> None:
    key, before = number(), purse.balance()
    messages = [purse.message(minor, key) for minor in range(1, AT_ONCE + 1)]

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(purse.send, messages))

    told = Counter((each.status, each.code) for each in answers)
    assert told.pop((201, "")) == 1
    assert set(told) <= {(422, "idempotency.key_reused"), (409, "idempotency.in_progress")}
    paid = next(each for each in answers if each.status == 201).body["amount"]["amount"]
    assert before - purse.balance() == round(float(paid) * 100)


def test_a_caller_in_a_hurry_gets_doubt_and_then_the_first_answer(purse: Purse) -> None:
    """The deadline cuts the call off at any point; the same key finds out what became of it."""
    before, spent, doubts = purse.balance(), 0, 0
    for turn in range(IMPATIENT):
        key, minor = number(), turn % 9 + 1
        hurried = purse.message(minor, key)
        hurried = replace(hurried, headers=(*hurried.headers, ("x-timeout-ms", str(turn % 6 + 1))))

        answer = purse.send(hurried)
        if answer.status == 504:
            doubts += 1
            assert answer.body["outcome"] == "unknown"
            assert answer.body["idempotency_key"] == key
        spent += minor
        assert _final(purse, minor, key).status == 201

    assert doubts, "no deadline was short enough to be missed"
    assert before - purse.balance() == spent


def test_a_caller_that_hangs_up_pays_once_however_it_asks_again(purse: Purse) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    before, spent = purse.balance(), 0
    host, _, port = purse.app.edge.removeprefix("http://").partition(":")
    for _ in range(IMPATIENT):
        key, minor = number(), chance.randint(1, 9)
        raw = purse.message(minor, key).bytes()
        with socket.create_connection((host, int(port))) as line:
            line.sendall(raw[: chance.choice([len(raw), len(raw), chance.randrange(len(raw))])])
            time.sleep(chance.random() * 0.01)
            if chance.random() < 0.5:
                # Closed with a reset instead of an end.
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        spent += minor

        assert _final(purse, minor, key).status == 201

    assert before - purse.balance() == spent


def _final(purse: Purse, minor: int, key: str) -> Answered:
    """Ask with the same key until somebody knows."""
    deadline = time.monotonic() + FINAL_SECONDS
    while True:
        answer = purse.send(purse.message(minor, key))
        if answer.code != "idempotency.in_progress" and answer.status not in {503, 504}:
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
