"""Primitive ``contract``: parties agree on terms, on a later version of them, and part again.

Always true: a version names its terms by their SHA-256 and the version before it by its digest, so
the versions of a contract form a chain; a terminated contract never comes back.
"""

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from bankside.kernel.clock import rfc3339
from bankside.orders.errors_papers import ContractEnded
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.effect import Ask, Effect, Primitive, kept, section

ACTIVE, TERMINATED = "active", "terminated"


def digest(content: Any) -> str:
    """SHA-256 of plain JSON in its one canonical spelling (sorted keys, no spaces), as hex."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def terms_hash(order: Order, ask: Ask) -> str:
    """The hash of the signed text, or of what the order itself says when no text was named."""
    given = ask.get("contract", {}).get("terms_hash")
    if given is not None:
        return str(given)
    facts = {"product": order.product, "version": order.product_version, "input": order.input}
    return digest(facts)


def sign(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Version 1 stands. ``ask["contract"]``: terms_hash, parties, signatures, all optional."""
    return _version(order, ask, at, number=1, before=None)


def amend(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The next version stands; of terms signed elsewhere it is the order's first. ContractEnded."""
    if not section(order, "contract"):
        return _version(order, ask, at, number=1, before=None)
    signed = _active(order)
    return _version(order, ask, at, number=signed["version"] + 1, before=signed["digest"])


def terminate(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The contract ends; what it allowed ends with it. Raises ContractEnded."""
    _active(order)
    ended = {
        "status": TERMINATED,
        "terminated_at": rfc3339(at),
        "reason": ask.get("contract", {}).get("reason"),
    }
    after = replace(kept(order, "contract", ended), status=TERMINATED)
    return Effect(after, event="closed", ends=True)


def _version(order: Order, ask: Ask, at: datetime, *, number: int, before: str | None) -> Effect:
    prepared = ask.get("contract", {})
    version = {
        "version": number,
        "terms_hash": terms_hash(order, ask),
        "parties": list(prepared.get("parties", section(order, "contract").get("parties", ()))),
        "signatures": list(prepared.get("signatures", ())),
        "previous": before,
        "signed_at": rfc3339(at),
    }
    version["digest"] = digest({"order": order.id, **version})
    after = kept(order, "contract", {**version, "status": ACTIVE})
    until: datetime | None = prepared.get("until")
    ends = any(each.use == "contract.terminate" for each in order.plan)
    if until is not None and ends:
        after = replace(kept(after, "contract", {"until": rfc3339(until)}), wake_at=until)
    return Effect(after, output={"version": number, "digest": version["digest"]})


def _active(order: Order) -> dict[str, Any]:
    signed = dict(section(order, "contract"))
    if signed.get("status") != ACTIVE:
        raise ContractEnded
    return signed


def withdraw(order: Order, _step: PlanStep, at: datetime) -> Effect:
    """Undoes ``sign`` for an order that is given up: the contract is terminated with it."""
    return Effect(
        kept(order, "contract", {"status": TERMINATED, "terminated_at": rfc3339(at)}),
    )


SIGN = Primitive(sign, reverse=withdraw)
AMEND = Primitive(amend, lasting=True)
TERMINATE = Primitive(terminate, lasting=True)
