"""Where customers log in: before a decision, or at the door of their own pages."""

from bankside.console.entry import Place
from bankside.identity.authorisations import Interaction
from bankside.identity.http import INTERACTIONS

MY = "/my"


def my_pages() -> Place:
    """The customer's own pages."""
    return Place(MY, f"{MY}/consents")


def before(found: Interaction) -> Place:
    """The pages before a decision."""
    base = f"{INTERACTIONS}/{found.id}"
    return Place(base, base, found.partner, found.client_name)


def approvals(approval: str = "") -> Place:
    """The requests that wait for the customer, or one of them."""
    base = f"{MY}/approvals"
    return Place(f"{base}/{approval}" if approval else base, base)
