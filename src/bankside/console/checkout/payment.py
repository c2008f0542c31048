"""The page of one order: what is to be paid, the choice of the account, yes and no, the outcome."""

import time
from collections.abc import Awaitable
from typing import Any

from bankside.console.checkout.desk import Checkout, payee, place_of, session_for
from bankside.console.customer.showing import account_shown, shown_money
from bankside.console.entry import AnyResponse, Visit, fresh, one
from bankside.console.pages import Look
from bankside.console.showing import shown_time
from bankside.console.texts import has_text
from bankside.identity.sessions import Session
from bankside.kernel.db import DATABASE_TROUBLE
from bankside.kernel.errors import BanksideError, Unavailable
from bankside.orders import PageState, Paying, PaymentPage

# What leaves it open whether the payment was made; the page of the order knows.
_UNSURE: tuple[type[Exception], ...] = (Unavailable, TimeoutError, *DATABASE_TROUBLE)
_ENDS: tuple[type[Exception], ...] = (BanksideError, *_UNSURE)


async def payment_page(checkout: Checkout, visit: Visit, key: str) -> AnyResponse:
    """The order as it stands now. Raises PaymentPageUnknown."""
    return await _shown(checkout, visit, key, await checkout.payments.page(key))


async def pay(checkout: Checkout, visit: Visit, key: str) -> AnyResponse:
    """The customer's yes is carried out; whatever came of it, the order's page tells it.

    A second click finds the order paid and leads to the same page. Each attempt is recorded.
    """
    fields = await visit.form()
    page = await checkout.payments.page(key)
    session = session_for(visit, page)
    here = place_of(visit, key, page)
    if page.state is not PageState.OPEN or session is None or not fresh(visit):
        return visit.sent_to(here.base)
    said = Paying(
        customer=session.customer,
        account=one(fields, "account"),
        terms=_digest(one(fields, "terms")),
        amr=session.amr,
    )
    checkout.calls.ready()
    try:
        await _recorded(checkout, page, session.customer, checkout.payments.pay(key, said))
    except _UNSURE:
        return visit.shown("checkout_unsure.html", status=503, place=here, payee=here.client_name)
    except BanksideError as refused:
        page = await checkout.payments.page(key)
        if page.state is PageState.OPEN:
            return await _shown(checkout, visit, key, page, refused=refused, ticked=said.account)
    return visit.sent_to(here.base)


async def _recorded(
    checkout: Checkout, page: PaymentPage, customer: str, attempt: Awaitable[None]
) -> None:
    """Make the attempt; its end is recorded, and then raised when it is no payment."""
    began = time.monotonic()
    error: Exception | None = None
    try:
        await attempt
    except _ENDS as ended:
        error = ended
    try:
        await checkout.calls.ended(page, customer, error, time.monotonic() - began)
    finally:
        if error is not None:
            raise error


async def cancel_page(checkout: Checkout, visit: Visit, key: str) -> AnyResponse:
    """The question before an order is given up: it cannot be paid afterwards."""
    page = await checkout.payments.page(key)
    if page.state is not PageState.OPEN:
        return visit.sent_to(place_of(visit, key, page).base)
    return visit.shown("checkout_cancel.html", **_facts(visit, key, page))


async def cancel(checkout: Checkout, visit: Visit, key: str) -> AnyResponse:
    """The order is given up, if it can still be paid. Nobody needs to log in to say no."""
    await visit.form()
    page = await checkout.payments.page(key)
    await checkout.payments.give_up(key)
    return visit.sent_to(place_of(visit, key, page).base)


async def go_back(checkout: Checkout, visit: Visit, key: str) -> AnyResponse:
    """On to the shop, at the address its own request had named, with signed parameters."""
    page = await checkout.payments.page(key)
    if page.return_to is None:
        return visit.sent_to(place_of(visit, key, page).base)
    return visit.sent_to(await checkout.way_back.address(page))


async def _shown(
    checkout: Checkout,
    visit: Visit,
    key: str,
    page: PaymentPage,
    *,
    refused: BanksideError | None = None,
    ticked: str = "",
) -> AnyResponse:
    session, facts = session_for(visit, page), _facts(visit, key, page)
    if page.state is not PageState.OPEN:
        return visit.shown(
            "checkout_outcome.html", receipt=await _receipt(checkout, visit, page, session), **facts
        )
    proven = session is not None and fresh(visit)
    accounts: list[dict[str, str]] = []
    if session is not None and proven:
        lang = Look(visit.request).lang
        found = await checkout.payments.accounts(page, session.customer)
        accounts = [account_shown(each, lang) for each in found]
    return visit.shown(
        "checkout_payment.html",
        status=refused.status if refused else 200,
        known=session is not None,
        proven=proven,
        accounts=accounts,
        ticked=ticked or (accounts[0]["id"] if len(accounts) == 1 else ""),
        terms=page.terms.hex(),
        fault=_fault(refused),
        **facts,
    )


async def _receipt(
    checkout: Checkout, visit: Visit, page: PaymentPage, session: Session | None
) -> dict[str, str] | None:
    """The account it was paid from, for the payer alone."""
    if session is None or page.payer != session.customer:
        return None
    account = await checkout.payments.payer_account(page)
    return account_shown(account, Look(visit.request).lang) if account else None


def _facts(visit: Visit, key: str, page: PaymentPage) -> dict[str, Any]:
    order = page.order
    return {
        "place": place_of(visit, key, page),
        "payee": payee(visit, page),
        "amount": shown_money(page.amount),
        "refunded": shown_money(order.money(order.refunded)) if order.refunded else None,
        "order_no": order.reference,
        "subject": order.input.get("subject"),
        "until": shown_time(page.until),
        "paid_at": shown_time(page.paid_at) if page.paid_at else None,
        "state": page.state.value,
        "has_way_back": page.return_to is not None,
    }


def _fault(refused: BanksideError | None) -> str:
    """The text of a refusal; "" without one."""
    if refused is None:
        return ""
    key = f"checkout.fault.{refused.code}"
    return key if has_text("en", key) else "checkout.fault.other"


def _digest(text: str) -> bytes:
    """What the page had shown, as the form brings it back; anything else is not it."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
