"""Primitive ``invoice``: a numbered record of a sale with its tax, checked, and cancelled in red.

Always true: the tax of a line is its net amount times its rate, rounded half-up to a minor unit (as
Chinese invoices do); net and tax of all lines add up to the total; the hash covers all of it. An
issued invoice is never changed: a red-letter invoice of the same amounts cancels it, once.
Sources: STA announcement 2024 no. 11 (fully digital invoices: 20 digits); VAT rates of the law on
value added tax of 2024, with the collection rates of small-scale taxpayers.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bankside.kernel.clock import rfc3339
from bankside.orders.errors_papers import InvoiceCredited
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.contract import digest
from bankside.orders.primitives.effect import Ask, Effect, Primitive, kept, section

# Rates in force: 13, 9, 6 %; collection rates 5, 3, 1.5, 1 %; exempt.
TAX_RATES_BP = (1300, 900, 600, 500, 300, 150, 100, 0)
ISSUED, CREDITED = "issued", "credited"


def tax_on(net_minor: int, rate_bp: int) -> int:
    """The tax on a line in minor units, half-up."""
    return (2 * net_minor * rate_bp + 10_000) // 20_000


def gross(lines: Sequence[Mapping[str, int]]) -> int:
    """What lines (``net_minor``, ``rate_bp``) add up to with their taxes."""
    return sum(line["net_minor"] + tax_on(line["net_minor"], line["rate_bp"]) for line in lines)


def issue(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The invoice stands.

    ``ask["invoice"]``: number, seller, buyer, lines (name, net_minor, rate_bp).
    """
    prepared = ask["invoice"]
    lines = [
        {**line, "tax_minor": tax_on(line["net_minor"], line["rate_bp"])}
        for line in prepared["lines"]
    ]
    record = {
        "invoice_no": prepared["number"],
        "seller": prepared["seller"],
        "buyer": prepared["buyer"],
        "currency": order.currency,
        "lines": lines,
        "net_minor": sum(line["net_minor"] for line in lines),
        "tax_minor": sum(line["tax_minor"] for line in lines),
        "issued_at": rfc3339(at),
    }
    facts = {**record, "hash": digest(record), "invoice_status": ISSUED}
    after = kept(order, "invoice", facts)
    if not order.paid:
        after = replace(after, status=ISSUED)
    return Effect(after, output={"invoice_no": prepared["number"], "hash": facts["hash"]})


def record_hash(known: Mapping[str, Any]) -> str:
    """The hash an invoice has to have, from what it says."""
    names = (
        "invoice_no",
        "seller",
        "buyer",
        "currency",
        "lines",
        "net_minor",
        "tax_minor",
        "issued_at",
    )
    return digest({name: known[name] for name in names})


def verify(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """Whether number, hash and sums are those of the record.

    ``ask["invoice"]`` may bring ``claimed`` (number and hash somebody presents); without them the
    record itself is checked.
    """
    known = section(order, "invoice")
    claimed = ask.get("invoice", {}).get("claimed", {})
    genuine = (
        hmac.compare_digest(record_hash(known), str(claimed.get("hash", known["hash"])))
        and claimed.get("number", known["invoice_no"]) == known["invoice_no"]
        and known["tax_minor"]
        == sum(tax_on(each["net_minor"], each["rate_bp"]) for each in known["lines"])
    )
    facts = {"verified": genuine, "verified_at": rfc3339(at)}
    return Effect(kept(order, "invoice", facts), output={"genuine": genuine})


def credit(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """A red-letter invoice cancels this one: ``ask["invoice"]["number"]``. InvoiceCredited."""
    known = section(order, "invoice")
    if known.get("invoice_status") != ISSUED:
        raise InvoiceCredited
    red = {
        "invoice_no": ask["invoice"]["number"],
        "of": known["invoice_no"],
        "net_minor": -known["net_minor"],
        "tax_minor": -known["tax_minor"],
        "issued_at": rfc3339(at),
    }
    facts = {"invoice_status": CREDITED, "red_letter": {**red, "hash": digest(red)}}
    after = replace(kept(order, "invoice", facts), status=CREDITED)
    return Effect(after, event="closed", output={"invoice_no": red["invoice_no"]})


ISSUE = Primitive(issue)
VERIFY = Primitive(verify, lasting=True)
CREDIT = Primitive(credit, lasting=True)
