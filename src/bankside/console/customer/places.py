"""Where somebody logs in: before a consent, or at the door of its own pages.

Always true: where a login leads is known from the address it was made at; no parameter says it.
"""

from dataclasses import dataclass

from bankside.identity.authorisations import Interaction
from bankside.identity.http import INTERACTIONS

MY = "/my"


@dataclass(frozen=True, slots=True)
class Place:
    """An address under which login and second factor stand, and what comes after them.

    ``partner`` None: the data space is found by the login.
    """

    base: str
    home: str
    partner: str | None = None
    client_name: str = ""

    @property
    def login(self) -> str:
        """The page for login and password."""
        return f"{self.base}/login"

    @property
    def second_factor(self) -> str:
        """The page for the code."""
        return f"{self.base}/second-factor"


def my_pages() -> Place:
    """The customer's own pages."""
    return Place(MY, f"{MY}/consents")


def before(found: Interaction) -> Place:
    """The pages before a decision."""
    base = f"{INTERACTIONS}/{found.id}"
    return Place(base, base, found.partner, found.client_name)
