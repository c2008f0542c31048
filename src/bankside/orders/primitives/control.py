"""Primitives that post nothing: ``notify`` and ``query``; they still leave a journal row."""

from datetime import datetime

from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.effect import Ask, Effect, Primitive


def send(order: Order, step: PlanStep, _ask: Ask, _at: datetime) -> Effect:
    """The event this change publishes is the message; the outbox relay delivers it."""
    return Effect(order, output={"to": step.roles.get("to", "partner")})


def read(order: Order, _step: PlanStep, _ask: Ask, _at: datetime) -> Effect:
    """The accounts the order names were read, and belong to its data space, before it began."""
    return Effect(order)


def file(order: Order, _step: PlanStep, ask: Ask, _at: datetime) -> Effect:
    """The file that was built for the order: ``ask["file"]`` tells its size and hash."""
    return Effect(order, output=ask["file"], event="completed")


SEND = Primitive(send)
READ = Primitive(read)
FILE = Primitive(file)
