"""What a run of the checks found: how much was asked, and each answer that was wrong.

A fault says which call it was and how to make it again: the seed repeats the whole run, the
request alone is one `bankside call`.
"""

import json
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from bankside.app.proving.client import Asked, Heard, content_of

# A check that fails everywhere fails for one reason; the first ones say it.
FAULTS_KEPT_MAX: Final = 20
TEXT_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One answer that was wrong: on which wire, to what, and what is wrong with it."""

    operation: str
    wire: str
    said: str
    sent: str
    status: int
    request_id: str
    repeat: str

    def document(self) -> dict[str, Any]:
        """The fault as evidence keeps it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Check:
    """One check at work: its counts, and the faults it found."""

    what: str
    counts: "Counter[str]" = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether something was asked and nothing was wrong."""
        return self.counts["calls"] > 0 and not self.counts["faults"]

    def wrong(self, wire: str, asked: Asked, heard: Heard, said: str) -> None:
        """An answer is wrong."""
        self.counts["faults"] += 1
        if len(self.faults) < FAULTS_KEPT_MAX:
            self.faults.append(
                Fault(
                    operation=asked.operation.id,
                    wire=wire,
                    said=said[:TEXT_MAX],
                    sent=f"{asked.operation.method} {asked.path} {_shown(asked)}"[:TEXT_MAX],
                    status=heard.status,
                    request_id=heard.request_id,
                    repeat=_command(asked),
                )
            )

    def document(self) -> dict[str, Any]:
        """The run as evidence keeps it, beside what is the same for all checks of it."""
        return {
            "counts": dict(self.counts),
            "faults": [each.document() for each in self.faults],
        }


def _shown(asked: Asked) -> str:
    outcome = f" (X-Sandbox-Outcome: {asked.outcome})" if asked.outcome else ""
    return content_of(asked.body).decode("utf-8", "replace") + outcome


def _command(asked: Asked) -> str:
    """The call as the demo's first app would make it; "" for bytes that no command can send."""
    if isinstance(asked.body, bytes) or asked.outcome:
        return ""
    target = asked.path + (f"?{urlencode(asked.query)}" if asked.query else "")
    words = ["bankside", "call", asked.operation.method, target]
    if isinstance(asked.body, Mapping) and asked.operation.writes:
        words += ["--json", json.dumps(asked.body)]
    text = shlex.join(words)
    return text if len(text) <= TEXT_MAX else ""
