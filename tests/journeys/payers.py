"""Partners who keep paying while things die: every answer written down, every doubt asked again.

A payer journals what it asks before it sends it and what it was answered before it goes on, both
fsynced; without a final answer it asks again with the same key, as the native wire's rules say.
"""

import json
import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.journeys.native_app import Answered, NativeApp
from tests.journeys.raw import send

# No call hangs longer (guide, invariant I8), and no outage of these tests lasts longer.
CALL_SECONDS_MAX = 10.0
OUTAGE_SECONDS_MAX = 45.0
PATH = "/v1/internal-transfers"
# A final answer moves the payer on; these say "not now", or nobody knows.
RETRIED = {409: {"idempotency.in_progress"}, 401: {"signature.stale"}}
PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Acknowledged:
    """A transfer the bank said it made."""

    key: str
    minor: int
    order: str
    request_id: str
    at: float


@dataclass
class Payers:
    """Some threads that pay from one account to another until they are told to stop."""

    app: Callable[[], NativeApp]
    payer: str
    payee: str
    journal: Path
    seed: int
    acknowledged: list[Acknowledged] = field(default_factory=list)
    doubts: list[tuple[float, Answered]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lost: int = 0

    def __post_init__(self) -> None:
        self._file = os.open(self.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, count: int) -> None:
        """Begin to pay."""
        for number in range(count):
            thread = threading.Thread(target=self._pay, args=(number,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Let every transfer that was begun come to its final answer, then end."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(OUTAGE_SECONDS_MAX)
            assert not thread.is_alive(), "a payer hangs"
        os.close(self._file)

    def wait_for(self, more: int, seconds: float) -> float:
        """Wait for so many more acknowledgements; the seconds until the first of them."""
        began, before = time.monotonic(), len(self.acknowledged)
        first = 0.0
        while len(self.acknowledged) < before + more:
            assert not self.faults and time.monotonic() - began < seconds, (
                f"{len(self.acknowledged) - before} transfers in {seconds} s; "
                f"faults {self.faults[:3]}, last doubts {self.doubts[-3:]}"
            )
            time.sleep(0.01)
            if not first and len(self.acknowledged) > before:
                first = time.monotonic() - began
        return first

    def _pay(self, number: int) -> None:
        chance = random.Random(f"{self.seed} {number}")
        count = 0
        while not self._stopping.is_set() and not self.faults:
            count += 1
            self._transfer(f"payer-{self.seed}-{number}-{count}", chance.randint(1, 9))
            time.sleep(chance.random() * PAUSE_SECONDS)

    def _transfer(self, key: str, minor: int) -> None:
        self._write({"ask": key, "minor": minor})
        body = {
            "payer_account": self.payer,
            "payee_account": self.payee,
            "amount": {"amount": f"0.0{minor}", "currency": "CNY"},
        }
        deadline = time.monotonic() + OUTAGE_SECONDS_MAX
        while time.monotonic() < deadline:
            answer = self._asked(key, body)
            if answer is not None and answer.status in {200, 201}:
                made = Acknowledged(
                    key, minor, answer.body["id"], answer.request_id, time.monotonic()
                )
                self._write({"done": key, "order": made.order, "request": made.request_id})
                self.acknowledged.append(made)
                return
            if self.faults:
                return
            time.sleep(PAUSE_SECONDS)
        self.faults.append(f"{key}: no final answer within {OUTAGE_SECONDS_MAX} s")

    def _asked(self, key: str, body: dict[str, Any]) -> Answered | None:
        """One attempt; None when the connection was lost."""
        began = time.monotonic()
        try:
            app = self.app()
            message = app.message("POST", PATH, body, key=key)
            heard = send(app.edge, message)
            answer = app.answered(heard, message)
        except OSError:
            self.lost += 1
            return None
        except AssertionError as error:
            self.faults.append(f"{key}: {error}")
            return None
        finally:
            took = time.monotonic() - began
            if took > CALL_SECONDS_MAX:
                self.faults.append(f"{key}: the call took {took:.1f} s")
        if answer.status in {503, 504}:
            self.doubts.append((time.monotonic(), answer))
            if not heard.headers.get("retry-after", "").isdigit():
                self.faults.append(f"{key}: {answer} without Retry-After")
        elif answer.status >= 400 and answer.code not in RETRIED.get(answer.status, ()):
            self.faults.append(f"{key}: {answer}")
        return answer

    def _write(self, fact: dict[str, Any]) -> None:
        with self._lock:
            os.write(self._file, json.dumps(fact).encode() + b"\n")
            os.fsync(self._file)


def moved_to(app: NativeApp, edge: str) -> NativeApp:
    """The same app at another address."""
    return replace(app, edge=edge)


def still(path: Path) -> dict[str, dict[str, Any]]:
    """What a journal says was acknowledged, by key: the file, not the memory of who wrote it."""
    facts = [json.loads(each) for each in path.read_bytes().splitlines()]
    asked = {each["ask"]: each for each in facts if "ask" in each}
    done = {each["done"]: each for each in facts if "done" in each}
    with suppress(KeyError):
        return {key: asked[key] | done[key] for key in done}
    raise AssertionError("an answer was journalled before its question")
