"""Numbers and lines of invoices: from the request, or one line for what an order itself collected.

A number has the 20 digits of fully digital invoices: year (2), a region code (2), channel (1) and a
serial (15). Region 00 is no region: the numbers are the sandbox bank's own.
"""

from collections.abc import Mapping
from typing import Any

from bankside.bank.customers import checked_credit_code
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.errors import BanksideError
from bankside.orders import store_papers
from bankside.orders.errors_papers import InvoiceTotalMismatch
from bankside.orders.inputs import fault, refuse
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.primitives.invoice import TAX_RATES_BP, gross

_REGION, _CHANNEL = "00", "9"


async def issuing(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """Number, seller, buyer and lines. Raises InvoiceTotalMismatch, InputInvalid."""
    lines = _lines(order, form) if "lines" in form and "name" in form["lines"][0] else None
    if lines is None:
        amount = form.get("invoiced", order.amount)
        name = str(form.get("subject") or order.product)
        lines = [{"name": name, "net_minor": amount, "rate_bp": 0}]
    else:
        total = gross(lines)
        if total != order.amount:
            detail = f"the lines and their taxes add up to {order.money(total)} {order.currency}"
            raise InvoiceTotalMismatch(
                detail, errors=[fault("/total", InvoiceTotalMismatch.code, detail)]
            )
    asked = {
        "number": await _number(room),
        "seller": form.get("seller") or form.get("merchant") or order.input.get("merchant"),
        "buyer": _buyer(form),
        "lines": lines,
    }
    return Prepared(order, {"invoice": asked})


async def verifying(_room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """What somebody presents as the number and hash of the invoice."""
    names = {"invoice_no": "number", "invoice_hash": "hash"}
    claimed = {to: form[name] for name, to in names.items() if name in form}
    return Prepared(order, {"invoice": {"claimed": claimed}})


async def crediting(room: Room, order: Order, _step: PlanStep, _form: Form) -> Prepared:
    """The red-letter invoice's own number."""
    return Prepared(order, {"invoice": {"number": await _number(room)}})


async def _number(room: Room) -> str:
    year = room.desk.clock.now().astimezone(BANK_ZONE).year % 100
    return f"{year:02d}{_REGION}{_CHANNEL}{await store_papers.invoice_serial(room.db):015d}"


def _lines(order: Order, form: Form) -> list[dict[str, Any]]:
    faults = []
    for index, line in enumerate(form["lines"]):
        if line["tax_rate_bp"] not in TAX_RATES_BP:
            rates = ", ".join(map(str, TAX_RATES_BP))
            detail = f"a tax rate in basis points is one of {rates}"
            faults.append(fault(f"/lines/{index}/tax_rate_bp", "invoice.tax_rate", detail))
        if line["amount"].currency != order.currency:
            detail = f"not {order.currency}, the total's"
            pointer = f"/lines/{index}/amount/currency"
            faults.append(fault(pointer, "payment.currency_mismatch", detail))
    refuse(faults)
    return [
        {
            "name": line["name"],
            "net_minor": line["amount"].minor,
            "rate_bp": line["tax_rate_bp"],
        }
        for line in form["lines"]
    ]


def _buyer(form: Form) -> str | None:
    number = form.get("buyer_tax_no")
    if number is not None:
        try:
            checked_credit_code(number)
        except BanksideError as error:
            refuse([fault("/buyer_tax_no", error.code, error.detail)])
    found: str | None = form.get("buyer") or form.get("buyer_name")
    return f"{found} {number}" if found and number else found or number


PREPARATIONS: Mapping[str, Prepare] = {
    "invoice.issue": issuing,
    "invoice.verify": verifying,
    "invoice.credit": crediting,
}
