"""Outcomes that a sandbox app asks for: any refusal of the catalogue, waiting, an unknown result.

Always true: only sandbox calls carry a wish (the edge drops a live app's); a refusal that was asked
for happens in place of the operation and changes nothing; after an unknown result the operation has
happened, and the same key tells its first answer. The codes are those of the error classes
themselves (``docs/partner/sandbox-values.md`` is made from them).
"""

import asyncio
import importlib
import pkgutil
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import bankside.gateway
import bankside.orders
from bankside.kernel.call import Answer, Call
from bankside.kernel.errors import BanksideError, Invalid

Handle = Callable[[Call], Answer | Awaitable[Answer]]

# Far above any operation's deadline, which ends the wait with a 504.
LATENCY_MS_MAX = 30_000
OUTCOME_LENGTH_MAX = 200
CALLBACKS = frozenset({"twice", "reversed", "lost-once"})
UNKNOWN = "unknown"

_LATENCY = re.compile(r"latency=([0-9]{1,5})")
_CALLBACKS = re.compile(r"callbacks=([a-z-]{1,20})")
_REFUSAL = re.compile(r"([a-z][a-z0-9_.]{1,80})(?: ([45][0-9]{2}))?")
# Whose refusals partners meet, before those that other rooms use inside.
_SPOKEN_BY = ("bankside.gateway.", "bankside.orders.")


class OutcomeInvalid(Invalid):
    """The outcome that was asked for is none that the sandbox knows."""

    code = "sandbox.outcome_invalid"
    status = 400


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to happen: wait, then refuse, or carry out and say that nobody knows."""

    latency_ms: int = 0
    refusal: type[BanksideError] | None = None
    is_unknown: bool = False


def acted(handle: Handle) -> Handle:
    """``handle``, except that calls with a wish end as they wish."""

    def handled(call: Call) -> Answer | Awaitable[Answer]:
        return _as_asked(handle, call) if call.outcome else handle(call)

    return handled


async def _as_asked(handle: Handle, call: Call) -> Answer:
    wish = outcome_of(call.outcome)
    if wish.latency_ms:
        await asyncio.sleep(wish.latency_ms / 1000)
    if wish.refusal is not None:
        raise wish.refusal(retry_after=1 if wish.refusal.status in {429, 503, 504} else None)
    answer = handle(call)
    done = answer if isinstance(answer, Answer) else await answer
    if wish.is_unknown:
        raise TimeoutError("asked for")
    return done


def outcome_of(text: str) -> Outcome:
    """The wish, its parts divided by ``;``. Raises OutcomeInvalid."""
    if len(text) > OUTCOME_LENGTH_MAX:
        raise OutcomeInvalid(f"at most {OUTCOME_LENGTH_MAX} characters")
    latency, refusal, unknown = 0, None, False
    for part in (each.strip(" ") for each in text.split(";")):
        if found := _LATENCY.fullmatch(part):
            latency = int(found[1])
            if latency > LATENCY_MS_MAX:
                raise OutcomeInvalid(f"latency is at most {LATENCY_MS_MAX} (milliseconds)")
        elif found := _CALLBACKS.fullmatch(part):
            if found[1] not in CALLBACKS:
                raise OutcomeInvalid(f"callbacks is one of {', '.join(sorted(CALLBACKS))}")
        elif part == UNKNOWN:
            unknown = True
        else:
            refusal = _refusal(part)
    return Outcome(latency, refusal, unknown)


def _refusal(part: str) -> type[BanksideError]:
    found = _REFUSAL.fullmatch(part)
    by_status = refusals().get(found[1], {}) if found else {}
    asked = by_status.get(int(found[2])) if found and found[2] else None
    if found and not found[2] and by_status:
        asked = next(iter(by_status.values()))
    if asked is None:
        raise OutcomeInvalid(f"there is no code {part[:100]!r}")
    return asked


@cache
def refusals() -> Mapping[str, Mapping[int, type[BanksideError]]]:
    """Every refusal this process can give: by code, then by status, the partners' own first."""
    for room in (bankside.gateway, bankside.orders):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            importlib.import_module(module.name)
    known: dict[str, dict[int, type[BanksideError]]] = {}
    # Of equals the lowest status, whatever order the modules were loaded in.
    for each in sorted(set(_classes(BanksideError)), key=_precedence):
        known.setdefault(each.code, {}).setdefault(each.status, each)
    return known


def _precedence(each: type[BanksideError]) -> tuple[bool, int, str]:
    return not each.__module__.startswith(_SPOKEN_BY), each.status, each.__qualname__


def _classes(family: type[BanksideError]) -> Iterator[type[BanksideError]]:
    for each in family.__subclasses__():
        yield each
        yield from _classes(each)
