"""What a score is made of: the subject's accounts, a consent that covers it, an insurer's terms."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bankside.bank.accounts import AccountStatus, accounts_of, balance, statement
from bankside.bank.registers import COVERS, CoverTerms, premium
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.money import MINOR_DIGITS, Money
from bankside.orders import store
from bankside.orders.errors_papers import ConsentMissing, CoverRefused, PremiumMismatch
from bankside.orders.inputs import fault
from bankside.orders.model import Order, PlanStep, State
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.scoring import DAYS, Facts, scored

CONSENTS = "identity.consents"
_SUBJECTS = ("subject", "borrower", "holder", "insured", "party")
# A customer with more accounts than this is scored on the first ones.
ACCOUNTS_MAX = 20
_YEAR_MAX = 60
# Insurance products a product of ours sells, by the beginning of their codes.
_SELLS: Mapping[str, str] = {
    "insurance.rider-covers": "RIDER-",
    "insurance.cargo-covers": "CARGO-",
    "insurance.return-covers": "RETURN-",
    "insurance.employer-covers": "EMPLOYER-",
    "insurance.farm-covers": "FARM-",
}


async def scoring(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The model's output for the product. Raises ConsentMissing, CoverRefused, PremiumMismatch."""
    await consented(room, order, form)
    if order.family == "insurance" or order.product == "insurance.insurance-quotes":
        return Prepared(order, {"score": _quoted(order, form)})
    if order.product == "pension.pension-projections":
        return Prepared(order, {"score": _projected(form)})
    if "verify" in order.book and "face" in order.book["verify"]:
        return Prepared(order, {"score": _likeness(order)})
    reference = next((form[each] for each in _SUBJECTS if each in form), None)
    found = await facts(room, order, reference) if reference else Facts(0, 0, 0, 0, 0, 0)
    return Prepared(order, {"score": scored(order.product, found)})


async def consented(room: Room, order: Order, form: Form) -> None:
    """Whether the subject allowed this purpose. Raises ConsentMissing.

    A consent is an order of ``identity.consents`` of the same partner: active, given by the
    subject, not run out.
    """
    if "consent_id" not in form:
        return
    assert room.ticket is not None, "consents are named by requests"
    found = await store.find(room.db, room.ticket.scope, form["consent_id"])
    good = (
        found is not None
        and found.product == CONSENTS
        and found.state is State.WAITING
        and found.book.get("contract", {}).get("status") == "active"
        and found.input.get("party") == form.get("subject", found.input.get("party"))
        and (found.wake_at is None or room.desk.clock.now() < found.wake_at)
        and found.input.get("purpose") in (None, form.get("purpose"))
    )
    if not good:
        detail = "no active consent of the subject for this purpose"
        raise ConsentMissing(detail, errors=[fault("/consent_id", ConsentMissing.code, detail)])


async def facts(room: Room, order: Order, customer: str) -> Facts:
    """What the books say of the customer in the order's currency."""
    today = room.desk.clock.now().astimezone(BANK_ZONE).date()
    page = await accounts_of(room.db, order.partner, customer=customer, limit=ACCOUNTS_MAX)
    own = [each for each in page.items if each.currency == order.currency]
    age, held, credits, debits, entries = 0, 0, 0, 0, 0
    for account in own:
        opened = account.opened_at.astimezone(BANK_ZONE).date()
        age = max(age, (today - opened).days)
        held += (await balance(room.db, account)).booked.minor
        since = max(today - timedelta(days=DAYS), opened)
        report = await statement(room.db, account, from_date=since, to_date=today)
        credits += sum(row.amount.minor for row in report.rows if row.amount.minor > 0)
        debits -= sum(row.amount.minor for row in report.rows if row.amount.minor < 0)
        entries += len(report.rows)
    frozen = sum(each.status is AccountStatus.FROZEN for each in own)
    return Facts(len(own), age, max(held, 0), credits, debits, entries, frozen)


def _quoted(order: Order, form: Form) -> dict[str, Any]:
    """The premium of the cover asked for; an amount that was sent along has to be it."""
    terms = _terms(order, form)
    cover: Money = form["cover"]
    days = (form["to_on"] - form["from_on"]).days + 1
    unit = 10 ** MINOR_DIGITS[cover.currency]
    if not terms.cover_min * unit <= cover.minor <= terms.cover_max * unit:
        _refuse("/cover", f"{terms.code} covers {terms.cover_min} to {terms.cover_max}")
    if not 1 <= days <= terms.days_max:
        _refuse("/to_on", f"{terms.code} covers 1 to {terms.days_max} days")
    found = Money(premium(cover.minor, terms, days), cover.currency)
    amount = form.get("amount")
    if amount is not None and amount != found:
        detail = f"the premium is {found} {found.currency}"
        raise PremiumMismatch(
            detail,
            errors=[fault("/amount", PremiumMismatch.code, detail)],
            extra={"premium": found.to_json()},
        )
    return {
        "model": "bankside-premium-1",
        "calibrated": False,
        "score": terms.rate_bp,
        "grade": None,
        "reasons": [{"code": "rate_bp", "points": terms.rate_bp}, {"code": "days", "points": days}],
        "product_code": terms.code,
        "premium": found.to_json(),
        "days": days,
    }


def _terms(order: Order, form: Form) -> CoverTerms:
    terms = COVERS.get(form["product_code"])
    prefix = _SELLS.get(order.product, "")
    if terms is None or not terms.code.startswith(prefix):
        on_sale = ", ".join(each for each in COVERS if each.startswith(prefix))
        _refuse("/product_code", f"on sale: {on_sale}")
    assert terms is not None
    return terms


def _refuse(pointer: str, detail: str) -> None:
    raise CoverRefused(detail, errors=[fault(pointer, CoverRefused.code, detail)])


def _projected(form: Form) -> dict[str, Any]:
    """What monthly contributions grow to: yearly compounding, half-even once a year."""
    monthly: Money = form["monthly"]
    rate_bp = form.get("rate_bp", 250)
    total = Money(0, monthly.currency)
    years = min(max(form["years"], 1), _YEAR_MAX)
    for _ in range(years):
        grown = total + Money(12 * monthly.minor, monthly.currency)
        total = grown + grown.basis_points(rate_bp)
    return {
        "model": "bankside-projection-1",
        "calibrated": False,
        "score": years,
        "grade": None,
        "reasons": [{"code": "rate_bp", "points": rate_bp}],
        "projected": total.to_json(),
    }


def _likeness(order: Order) -> dict[str, Any]:
    passed = order.book["verify"]["face"]["result"] == "passed"
    return {
        "model": "sandbox-face",
        "calibrated": False,
        "simulated": True,
        "score": 97 if passed else 12,
        "grade": "match" if passed else "different",
        "reasons": [],
    }


PREPARATIONS: Mapping[str, Prepare] = {"query.score": scoring}
