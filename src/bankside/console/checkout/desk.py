"""What the checkout pages work with, and one visit to one of them."""

from dataclasses import dataclass
from typing import Protocol

from bankside.console.entry import Place, RealmPages, Visit
from bankside.console.pages import Look
from bankside.identity.sessions import Session
from bankside.orders import PaymentPage, PaymentPages

PATH = "/pay"


class WayBack(Protocol):
    """Who signs the address at which the payer comes back to the shop."""

    async def address(self, page: PaymentPage) -> str:
        """The page's own return address with signed parameters. Raises Unavailable."""


class Calls(Protocol):
    """Who records attempts to pay, as the edge records calls."""

    def ready(self) -> None:
        """Whether the next attempt could be recorded. Raises Unavailable."""

    async def ended(
        self, page: PaymentPage, customer: str, error: Exception | None, seconds: float
    ) -> None:
        """An attempt of the customer took so long and ended so; ``page`` is as it was before."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """The customer pages, the orders' payment pages, the way back to shops, and the records."""

    pages: RealmPages
    payments: PaymentPages
    way_back: WayBack
    calls: Calls


def place_of(visit: Visit, key: str, page: PaymentPage) -> Place:
    """Where a payer of this order logs in: in the order's own data space."""
    base = f"{PATH}/{key}"
    return Place(base, base, page.order.partner, payee(visit, page), about="payment")


def session_for(visit: Visit, page: PaymentPage) -> Session | None:
    """The session when both factors are proven, by a customer of the order's data space."""
    session = visit.session
    fits = session is not None and session.is_full and session.partner == page.order.partner
    return session if fits else None


def payee(visit: Visit, page: PaymentPage) -> str:
    """The payee's name in the reader's language."""
    return page.payee_zh if Look(visit.request).lang == "zh" else page.payee_en
