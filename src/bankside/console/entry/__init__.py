"""The way in, the same for customers, staff and partner users: login, second factor, security page.

Always true: works without script (a passkey needs one small file of ours, a code needs none); every
form carries a token of its browser; where a page leads to is known from its address, never from a
parameter; a session of one realm is nothing in another.

Public: RealmPages (what `app` hands in), Visit, visit, Place; login_routes, security_routes,
enrolment_routes, guarded; one, logged_in, fresh.
"""

from bankside.console.entry.places import Place
from bankside.console.entry.routes import (
    enrolment_routes,
    guarded,
    login_routes,
    security_routes,
)
from bankside.console.entry.visits import (
    AnyRequest,
    AnyResponse,
    RealmPages,
    Visit,
    fresh,
    logged_in,
    one,
    visit,
)

__all__ = [
    "AnyRequest",
    "AnyResponse",
    "Place",
    "RealmPages",
    "Visit",
    "enrolment_routes",
    "fresh",
    "guarded",
    "logged_in",
    "login_routes",
    "one",
    "security_routes",
    "visit",
]
