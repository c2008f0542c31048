"""Login and second factor, wherever they stand."""

from bankside.console.customer.places import Place
from bankside.console.customer.visits import AnyResponse, Visit, one
from bankside.identity.sessions import (
    FactorMissing,
    LoginAttempt,
    LoginLocked,
    LoginRefused,
    SessionEnded,
    prove_code,
    prove_password,
)
from bankside.kernel.errors import BanksideError


def login_page(visit: Visit, place: Place) -> AnyResponse:
    """The form for login and password; who has proven the password goes on to the code."""
    if visit.session and not visit.session.is_full and _fits(visit, place):
        return visit.sent_to(place.second_factor)
    return visit.shown("customer_login.html", place=place, login="", fault=None)


async def log_in(visit: Visit, place: Place) -> AnyResponse:
    """The password is checked; a fault keeps the page and the login."""
    fields = await visit.form()
    login = one(fields, "login")
    attempt = LoginAttempt(
        partner=place.partner,
        login=login,
        password=one(fields, "password"),
        visitor=visit.visitor,
    )
    pages = visit.pages
    try:
        async with pages.login_turn():
            secret = await prove_password(pages.pool, pages.clock, attempt)
    except (LoginRefused, LoginLocked, FactorMissing) as fault:
        answer = visit.shown(
            "customer_login.html",
            status=fault.status,
            place=place,
            login=login,
            fault=_told(fault, "login"),
        )
        return _waiting(answer, fault)
    return visit.sent_to(place.second_factor, secret=secret)


def code_page(visit: Visit, place: Place) -> AnyResponse:
    """The form for the code, for who has proven the password."""
    if visit.session is None or not _fits(visit, place):
        return visit.sent_to(place.login)
    return visit.shown("customer_code.html", place=place, fault=None)


async def prove(visit: Visit, place: Place) -> AnyResponse:
    """The code is checked; the session gets a new secret and goes where the login was for."""
    fields = await visit.form()
    if visit.session is None or not _fits(visit, place):
        return visit.sent_to(place.login)
    pages = visit.pages
    try:
        secret = await prove_code(
            pages.pool,
            pages.clock,
            pages.vault,
            visit.secret,
            code=one(fields, "code"),
            visitor=visit.visitor,
        )
    except SessionEnded:
        return visit.sent_to(place.login)
    except (LoginRefused, LoginLocked) as fault:
        answer = visit.shown(
            "customer_code.html", status=fault.status, place=place, fault=_told(fault, "code")
        )
        return _waiting(answer, fault)
    return visit.sent_to(place.home, secret=secret)


def _fits(visit: Visit, place: Place) -> bool:
    """Whether the session is of the data space this login is for."""
    session = visit.session
    return session is not None and place.partner in (None, session.partner)


def _told(fault: BanksideError, where: str) -> str:
    """The text that explains a fault: the same for a wrong password and an unknown login."""
    if isinstance(fault, LoginRefused):
        return f"customer.fault.{where}"
    return f"customer.fault.{fault.code.partition('.')[2]}"


def _waiting(answer: AnyResponse, fault: BanksideError) -> AnyResponse:
    if fault.retry_after:
        answer.headers["retry-after"] = str(fault.retry_after)
    return answer
