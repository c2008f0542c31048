"""Primitives that post nothing: ``notify`` and ``query``; they still leave a journal row."""

from dataclasses import replace
from datetime import datetime

from bankside.kernel.clock import rfc3339
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.effect import Ask, Effect, Primitive, kept


def send(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The event this change publishes is the message; the outbox relay delivers it.

    A message that was ordered for its own sake (``ask["notify"]``: receipts) keeps one receipt an
    addressee, each naming the channel and whether it is simulated.
    """
    prepared = ask.get("notify")
    if prepared is None:
        return Effect(order, output={"to": step.roles.get("to", "partner")})
    sent = {"receipts": list(prepared["receipts"]), "sent_at": rfc3339(at)}
    after = replace(kept(order, "notify", sent), status="sent", wake_at=prepared.get("wake_at"))
    return Effect(after, event="sent", output={"receipts": len(sent["receipts"])})


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
SCHEDULE = Primitive(schedule)
READ = Primitive(read)
STATUS = Primitive(status)
FILE = Primitive(file)
SCORE = Primitive(score)
MATCH = Primitive(match)
