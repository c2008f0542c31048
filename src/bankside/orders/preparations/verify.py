"""What a ``verify`` step compares: check digits, the bank's own registers, then an authority.

Always true: a secret that is presented (a document number, a code) is compared and forgotten; the
bank's own register is asked first, and an authority only about what the bank cannot know. The
sandbox's authority answers sandbox calls only, and its answers say that they are simulated.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from bankside.bank.accounts import accounts_by_reference
from bankside.bank.customers import (
    CreditCodeInvalid,
    Customer,
    CustomerKind,
    CustomerNotFound,
    ResidentIdInvalid,
    checked_credit_code,
    checked_resident_id,
    customer,
)
from bankside.bank.registers import AuthoritySilent, Question, is_luhn, listed, listing_key
from bankside.kernel.clock import booking_date
from bankside.kernel.db import Write, transaction
from bankside.orders import store, store_papers
from bankside.orders.errors import CurrencyRefused
from bankside.orders.errors_papers import CodeWrong, PartyUnknown, VerificationUnavailable
from bankside.orders.inputs import fault
from bankside.orders.model import Order, PlanStep, State
from bankside.orders.preparations import codes
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.primitives.verify import Check
from bankside.orders.store import Scope

# Fields that name the party whose facts are checked, the most telling first.
_PARTIES = ("holder", "subject", "party", "borrower", "insured", "seller")
# Fields that carry the number of a paper: an identity document, a licence, a contract.
_NUMBERS = ("document_no", "evidence")
# A product of this family is ordered for the result; elsewhere a failed check stops the order.
RESULT_FAMILY = "verify"
# Reasons beyond these are not listed; the caller mends these first.
REASONS_MAX = 20
_GRADES = ((85, "C5"), (70, "C4"), (50, "C3"), (30, "C2"), (0, "C1"))

Comparing = Callable[[Room, Order, Form], Awaitable[Check]]


def prepared_by(compare: Comparing) -> Prepare:
    """A preparation that hands its step the outcome of ``compare``."""

    async def prepare(room: Room, order: Order, step: PlanStep, form: Form) -> Prepared:
        check = await compare(room, order, form)
        return Prepared(order, {"verify": {step.use: _bound(room, order, step, check)}})

    return prepare


async def identity(room: Room, order: Order, form: Form) -> Check:
    """Whether number and name are those of the customer (GB 11643-1999, GB 32100-2015).

    A card product compares its card instead; a company's product its credit code; a wage account
    the name of every worker.
    """
    if order.family == "wage_account":
        return await workers(room, order, form)
    if order.product == "identity.card-verifications":
        return await card(room, order, form)
    return await _papers(room, order, form)


async def workers(room: Room, order: Order, form: Form) -> Check:
    """Whether every line's account is known and belongs to whom the line names (wages by name).

    Source: State Council decree 724 (2019), articles 27 and 31: real names, wages to own accounts.
    """
    lines = form["lines"]
    known = await accounts_by_reference(
        room.db, order.partner, [each["payee_account"] for each in lines]
    )
    owners = {
        each: await customer(room.db, order.partner, each)
        for each in {found.customer for found in known.values()}
    }
    reasons = []
    for each in lines:
        found = known.get(each["payee_account"])
        if found is None:
            reasons.append(f"line.{each['line_no']}.account_unknown")
        elif _name_faults(owners[found.customer], each):
            reasons.append(f"line.{each['line_no']}.name_different")
    return Check(not reasons, tuple(reasons[:REASONS_MAX]), facts={"workers": len(lines)})


async def business(room: Room, order: Order, form: Form) -> Check:
    """Like ``identity``, of an organisation."""
    return await _papers(room, order, form, kind=CustomerKind.CORPORATE)


async def card(room: Room, order: Order, form: Form) -> Check:
    """Whether the card or account number is sound and, when it is ours, the party's own."""
    number = form.get("card_no") or _number(form)
    if number is None:
        known = form.get("account")
        if known is None:
            return Check(True, ("account.registered",))
        number = known
    if number.isdigit() and not is_luhn(number):
        return Check(False, ("card.check_digit",), facts={"standard": "ISO/IEC 7812-1"})
    ours = (await accounts_by_reference(room.db, order.partner, [number])).get(number)
    if ours is None:
        return await _asked(room, Question("card", number, _named(form)))
    party = await _party(room, order, form)
    if party is not None and ours.customer != party.id:
        return Check(False, ("card.other_holder",))
    return Check(True, facts={"standard": "ISO/IEC 7812-1"})


async def face(room: Room, order: Order, form: Form) -> Check:
    """Always an authority: the platform keeps no faces. In the sandbox it is simulated."""
    return await _asked(room, Question("face", _number(form) or "-"))


async def code(room: Room, order: Order, form: Form) -> Check:
    """Whether the one-time code is right: of this order, or of the one ``code_id`` names."""
    if "deposits" in order.book and await _returned(room, order):
        return Check(False, ("deposit.returned",))
    given = form.get("code") or _amounts(order, form) or form.get("evidence")
    if given is None:
        return Check(False, ("code.missing",))
    own = order.book.get("code")
    if own is not None:
        return codes.compared(own, given, at=room.desk.clock.now())
    if "code_id" in form:
        assert room.ticket is not None, "codes come with requests"
        sent = await store_papers.code(room.db, room.ticket.scope, form["code_id"])
        if sent is None:
            raise CodeWrong
        tries = await store_papers.code_tries(room.db, order.partner, form["code_id"])
        sent = {**sent, "attempts": sent["attempts"] + tries}
        check = codes.compared(sent, given, at=room.desk.clock.now())
        if not check.passed:
            await _missed(room, order, form["code_id"], tries + 1)
        return check
    if room.environment == "sandbox" and hmac.compare_digest(given, codes.MAGIC):
        return Check(True, ("code.magic",), "sandbox", simulated=True)
    return Check(False, ("code.wrong",))


def _amounts(order: Order, form: Form) -> str | None:
    """The two deposits that were entered, as the code they are; None where there are none."""
    if "first" not in form or "second" not in form:
        return None
    entered = (form["first"], form["second"])
    if any(each.currency != order.currency for each in entered):
        raise CurrencyRefused(f"the deposits were made in {order.currency}")
    return codes.of_amounts(each.minor for each in entered)


async def _returned(room: Room, order: Order) -> bool:
    """Whether the network gave a deposit back: nobody was paid it, so nobody can tell it."""
    scope = Scope(order.partner, None)
    found = [await store.find(room.db, scope, each) for each in order.book["deposits"]["orders"]]
    return any(each is not None and each.state is State.COMPENSATED for each in found)


async def on_list(room: Room, order: Order, form: Form) -> Check:
    """Whether no party of the request stands on the bank's list, by name or number."""
    texts = [form[each] for each in ("name", *_NUMBERS) if each in form]
    for name in (*_PARTIES, "counterparty"):
        if name in form:
            found = await _customer(room, order, form[name], f"/{name}")
            texts += [found.name_zh, found.name_en]
            texts += [each for each in (found.resident_id, found.credit_code) if each]
    for name in ("payee_name", "payer_name"):
        texts += [form[name]] if name in form else []
    hits = await listed(room.db, texts)
    facts = {"entries": [{"source": each.source} for each in hits], "compared": len(texts)}
    return Check(not hits, ("list.entry",) if hits else (), facts=facts)


async def document(room: Room, order: Order, form: Form) -> Check:
    """Whether the paper behind the request is sound: an invoice of this platform, or another's.

    An invoice number of ours is looked up: it has to stand, uncredited, for at least the amount.
    Everything else only its issuer knows.
    """
    number = form.get("invoice_no")
    if number is not None:
        found = await store_papers.invoice(room.db, order.partner, number)
        if found is None:
            return await _asked(room, Question("invoice", number))
        if found["invoice_status"] != "issued":
            return Check(False, ("invoice.credited",))
        total = found["net_minor"] + found["tax_minor"]
        if found["currency"] != order.currency or total < order.amount:
            return Check(False, ("invoice.amount_less",))
        return Check(True, facts={"invoice_no": number})
    return await _asked(room, Question("document", _number(form) or form.get("document", "-")))


async def risk(_room: Room, _order: Order, form: Form) -> Check:
    """The grade of a questionnaire: each answer 0 to 10 points, their mean times 10, five grades.

    Source of the five grades: Guidelines on suitability of investors of securities and futures
    (C1 most cautious to C5); the weights are the sandbox's own.
    """
    answers = form.get("answers")
    if answers is None:
        grade = form.get("risk_grade", "C3")
        return Check(True, ("grade.declared",), "sandbox", simulated=True, facts={"grade": grade})
    points = 10 * sum(answers) // len(answers)
    grade = next(word for floor, word in _GRADES if points >= floor)
    return Check(True, facts={"points": points, "grade": grade})


async def _papers(
    room: Room, order: Order, form: Form, *, kind: CustomerKind | None = None
) -> Check:
    found = await _party(room, order, form)
    number = _number(form)
    if found is None:
        # Nobody of this data space is meant: the number can only be checked by itself.
        checked = _checked(room, number or "", kind)
        return (
            Check(False, (checked,))
            if checked
            else await _asked(room, Question("identity", number or "-", _named(form)))
        )
    reasons = _name_faults(found, form)
    known = found.credit_code if found.kind is CustomerKind.CORPORATE else found.resident_id
    if number is not None:
        fault_of = _checked(room, number, found.kind)
        if fault_of is not None:
            return Check(False, (fault_of,))
        if known is not None and not hmac.compare_digest(
            known.encode(), number.strip().upper().encode()
        ):
            reasons.append("number.different")
    if reasons:
        return Check(False, tuple(reasons))
    if known is None and number is not None:
        return await _asked(room, Question("identity", number, _named(form)))
    return Check(True, facts={"standard": _standard(found.kind)})


def _checked(room: Room, number: str, kind: CustomerKind | None) -> str | None:
    """What is wrong with the number by itself, or None."""
    try:
        if kind is CustomerKind.CORPORATE:
            checked_credit_code(number)
        elif kind is CustomerKind.RETAIL or len(number) != 18 or not number[:17].isdigit():
            checked_resident_id(number, today=booking_date(room.desk.clock))
    except CreditCodeInvalid:
        return "credit_code.invalid"
    except ResidentIdInvalid:
        return "resident_id.invalid"
    return None


async def _asked(room: Room, question: Question) -> Check:
    """The authority's word. Raises VerificationUnavailable, also where only a simulated one is."""
    authority = room.desk.authority
    if room.environment != "sandbox" and not authority.real:
        raise VerificationUnavailable("no authority is connected outside the sandbox")
    try:
        found = await authority.ask(question)
    except AuthoritySilent as silent:
        raise VerificationUnavailable from silent
    return Check(found.agrees, found.reasons, found.source, found.simulated)


async def _party(room: Room, order: Order, form: Form) -> Customer | None:
    for name in _PARTIES:
        if name in form:
            return await _customer(room, order, form[name], f"/{name}")
    return None


async def _customer(room: Room, order: Order, reference: str, pointer: str) -> Customer:
    try:
        return await customer(room.db, order.partner, reference)
    except CustomerNotFound as error:
        detail = "there is no such customer"
        raise PartyUnknown(detail, errors=[fault(pointer, PartyUnknown.code, detail)]) from error


def _name_faults(found: Customer, form: Form) -> list[str]:
    if "name" not in form:
        return []
    keys = {listing_key(found.name_zh), listing_key(found.name_en)}
    return [] if listing_key(form["name"]) in keys else ["name.different"]


def _bound(room: Room, order: Order, step: PlanStep, check: Check) -> Check:
    family = room.desk.catalogue.archetypes[order.family].family
    # No money leaves for an account of somebody whose papers are wrong.
    first = any(each.use == "transfer.out" for each in order.plan) and step.use != "verify.code"
    binding = family != RESULT_FAMILY or first
    return Check(
        check.passed, check.reasons, check.source, check.simulated, binding, dict(check.facts)
    )


def _number(form: Form) -> str | None:
    return next((form[each] for each in _NUMBERS if each in form), None)


def _named(form: Form) -> dict[str, str]:
    return {"name": form["name"]} if "name" in form else {}


def _standard(kind: CustomerKind) -> str:
    return "GB 32100-2015" if kind is CustomerKind.CORPORATE else "GB 11643-1999"


async def _missed(room: Room, order: Order, code_id: str, n: int) -> None:
    """A refusal changes nothing, so the wrong try is written down by itself, ahead of it."""
    at = room.desk.clock.now()
    async with transaction(room.desk.pool) as db:
        await store_papers.code_missed(db, order.partner, code_id, n=n, by=order.id, at=at)


async def _code(room: Room, order: Order, step: PlanStep, form: Form) -> Prepared:
    """A code that another order sent is used up by this one, in the same commit."""
    check = await code(room, order, form)
    at: datetime = room.desk.clock.now()
    writes: tuple[Write, ...] = ()
    if check.passed and "code_id" in form:
        writes = (store_papers.code_used(order.partner, form["code_id"], by=order.id, at=at),)
    return Prepared(order, {"verify": {step.use: _bound(room, order, step, check)}}, writes)


PREPARATIONS: Mapping[str, Prepare] = {
    "verify.identity": prepared_by(identity),
    "verify.business": prepared_by(business),
    "verify.card": prepared_by(card),
    "verify.face": prepared_by(face),
    "verify.list": prepared_by(on_list),
    "verify.document": prepared_by(document),
    "verify.risk": prepared_by(risk),
    "verify.code": _code,
}
