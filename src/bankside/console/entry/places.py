"""Where somebody logs in, and what comes after it.

Always true: where a login leads is known from the address it was made at; no parameter says it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bankside.identity.realms import Realm

# The beginning of every address of a realm's own pages.
BASES: Mapping[Realm, str] = {
    Realm.CUSTOMER: "/my",
    Realm.STAFF: "/staff",
    Realm.PARTNER: "/partner",
}


@dataclass(frozen=True, slots=True)
class Place:
    """An address under which login and second factor stand, and what comes after them.

    ``partner`` None: the space is found by the login. ``about``: what ``client_name`` wants, when
    it is no decision about access: ``payment``.
    """

    base: str
    home: str
    partner: str | None = None
    client_name: str = ""
    about: str = ""

    @property
    def login(self) -> str:
        """The page for login and password."""
        return f"{self.base}/login"

    @property
    def second_factor(self) -> str:
        """The page for the code."""
        return f"{self.base}/second-factor"

    @property
    def passkey(self) -> str:
        """Where a passkey is sent; its challenge is asked for below it."""
        return f"{self.base}/passkey"
