"""Primitives that post nothing: ``notify`` and ``query``; they still leave a journal row."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from bankside.kernel.clock import rfc3339
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.effect import Ask, Effect, Primitive, kept

# An order is one row: it keeps the receipts somebody would still look for.
RECEIPTS_KEPT: Final = 100


def send(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The event this change publishes is the message; the outbox relay delivers it.

    A message that was ordered for its own sake (``ask["notify"]``: receipts) keeps one receipt an
    addressee, each naming the channel and whether it is simulated.
    """
    prepared = ask.get("notify")
    if prepared is None:
        return Effect(order, output={"to": step.roles.get("to", "partner")})
    if "subscription" in order.book:
        return _told(order, prepared)
    sent = {"receipts": list(prepared["receipts"]), "sent_at": rfc3339(at)}
    after = replace(kept(order, "notify", sent), status="sent", wake_at=prepared.get("wake_at"))
    return Effect(after, event="sent", output={"receipts": len(sent["receipts"])})


def _told(order: Order, asked: Mapping[str, Any]) -> Effect:
    """Entries up to ``last`` were told under a subscription; their events stand beside this step.

    The last receipts are kept, numbered from the first.
    """
    receipts = asked["receipts"]
    known = order.book.get("notify", {"receipts": [], "count": 0})
    numbered = [
        {"no": number, **each} for number, each in enumerate(receipts, start=known["count"] + 1)
    ]
    facts = {
        "receipts": [*known["receipts"], *numbered][-RECEIPTS_KEPT:],
        "count": known["count"] + len(receipts),
    }
    after = kept(kept(order, "notify", facts), "subscription", {"last": asked["last"]})
    return Effect(after, output={"entries": len(receipts), "last": asked["last"]})


def subscribe(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """What is booked on the account from now on is told, until the subscription ends.

    ``ask["subscription"]``: ``last`` (the account's last entry so far), ``until`` (an instant or
    None).
    """
    asked = ask["subscription"]
    until: datetime | None = asked["until"]
    facts = {"last": asked["last"], "until": rfc3339(until) if until else None}
    after = replace(kept(order, "subscription", facts), status="active", wake_at=until)
    return Effect(after, event="created")


def schedule(order: Order, _step: PlanStep, ask: Ask, _at: datetime) -> Effect:
    """The message waits for its instant: ``ask["notify"]["send_at"]``."""
    send_at: datetime = ask["notify"]["send_at"]
    after = replace(
        kept(order, "notify", {"send_at": rfc3339(send_at)}), wake_at=send_at, status="scheduled"
    )
    return Effect(after, event="created")


def read(order: Order, _step: PlanStep, _ask: Ask, _at: datetime) -> Effect:
    """The accounts the order names were read, and belong to its data space, before it began."""
    return Effect(order)


def status(order: Order, _step: PlanStep, _ask: Ask, _at: datetime) -> Effect:
    """The order's state is on record for whoever asks."""
    return Effect(order, output={"status": order.status})


def file(order: Order, _step: PlanStep, ask: Ask, _at: datetime) -> Effect:
    """The file that was built for the order: ``ask["file"]`` tells its size and hash."""
    return Effect(kept(order, "file", ask["file"]), output=ask["file"], event="completed")


def score(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """A model's output with its reasons: ``ask["score"]`` as the model gave it."""
    result = {**ask["score"], "scored_at": rfc3339(at)}
    return Effect(kept(order, "score", result), output={"model": result["model"]})


def match(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """How many of the caller's blinded values the bank holds: ``ask["match"]``."""
    result = {**ask["match"], "matched_at": rfc3339(at)}
    return Effect(kept(order, "match", result), output={"matched": result["matched"]})


SEND = Primitive(send)
SUBSCRIBE = Primitive(subscribe)
SCHEDULE = Primitive(schedule)
READ = Primitive(read)
STATUS = Primitive(status)
FILE = Primitive(file)
SCORE = Primitive(score)
MATCH = Primitive(match)
