"""Login, second factor and passkey, wherever they stand."""

from litestar import MediaType, Response

from bankside.console.entry.places import Place
from bankside.console.entry.visits import AnyResponse, Visit, one
from bankside.console.pages import SECURITY_HEADERS
from bankside.identity.passkeys import Holder, PasskeyRefused, RelyingParty, sign_in_options
from bankside.identity.realms import Realm
from bankside.identity.sessions import (
    FactorMissing,
    LoginAttempt,
    LoginLocked,
    LoginRefused,
    PasskeyAttempt,
    Session,
    SessionEnded,
    prove_code,
    prove_passkey,
    prove_password,
)
from bankside.kernel.db import transaction
from bankside.kernel.errors import BanksideError

LOGIN_PAGE, CODE_PAGE = "entry_login.html", "entry_code.html"


def login_page(visit: Visit, place: Place) -> AnyResponse:
    """The form for login and password; who has proven the password goes on to the code."""
    if visit.session and not visit.session.is_full and _fits(visit, place):
        return visit.sent_to(place.second_factor)
    return visit.shown(LOGIN_PAGE, script=True, place=place, login="", fault=None)


async def log_in(visit: Visit, place: Place) -> AnyResponse:
    """The password is checked; a fault keeps the page and the login."""
    fields = await visit.form()
    login, pages = one(fields, "login"), visit.pages
    attempt = LoginAttempt(
        partner=place.partner or pages.space,
        login=login,
        password=one(fields, "password"),
        visitor=visit.visitor,
        realm=pages.realm,
    )
    try:
        async with pages.turns.turn():
            secret = await prove_password(pages.pool, pages.clock, attempt)
    except (LoginRefused, LoginLocked, FactorMissing) as fault:
        return _again(visit, LOGIN_PAGE, place, fault, login=login)
    return visit.sent_to(place.second_factor, secret=secret)


def code_page(visit: Visit, place: Place) -> AnyResponse:
    """The form for the code, for who has proven the password."""
    if visit.session is None or not _fits(visit, place):
        return visit.sent_to(place.login)
    return visit.shown(CODE_PAGE, script=True, place=place, fault=None)


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
        return _again(visit, CODE_PAGE, place, fault)
    return visit.sent_to(place.home, secret=secret)


async def passkey_options(visit: Visit, place: Place) -> AnyResponse:
    """What the browser's passkey is asked, as JSON; the challenge is good once."""
    await visit.form()
    pages = visit.pages
    party = _party(visit)
    known = visit.session if _fits(visit, place) else None
    async with transaction(pages.pool) as db:
        options = await sign_in_options(
            db,
            pages.clock,
            party,
            holder_of(known) if known else pages.realm,
            browser=visit.secret,
        )
    return json_answer(options)


async def prove_by_passkey(visit: Visit, place: Place) -> AnyResponse:
    """The passkey is checked: both factors at once, or the second one after a password."""
    fields = await visit.form()
    pages = visit.pages
    attempt = PasskeyAttempt(
        answer=one(fields, "answer"),
        browser=visit.secret,
        visitor=visit.visitor,
        realm=pages.realm,
        partner=place.partner or pages.space,
    )
    try:
        secret = await prove_passkey(pages.pool, pages.clock, _party(visit), attempt)
    except SessionEnded:
        return visit.sent_to(place.login)
    except PasskeyRefused as fault:
        template = CODE_PAGE if visit.session and _fits(visit, place) else LOGIN_PAGE
        return _again(visit, template, place, fault)
    return visit.sent_to(place.home, secret=secret)


def holder_of(session: Session) -> Holder:
    """Whose passkeys count in this session."""
    return Holder(session.realm, session.partner, session.person, session.login)


def json_answer(text: str, *, status: int = 200) -> AnyResponse:
    """An answer for the passkey script."""
    headers = dict(SECURITY_HEADERS)
    return Response(text.encode(), status_code=status, media_type=MediaType.JSON, headers=headers)


def _party(visit: Visit) -> RelyingParty:
    """Where passkeys count; PasskeyRefused where they cannot."""
    party = visit.pages.party
    if party is None:
        raise PasskeyRefused
    return party


def _fits(visit: Visit, place: Place) -> bool:
    """Whether the session is of the space this login is for."""
    session = visit.session
    return session is not None and place.partner in (None, session.partner)


def _again(
    visit: Visit, template: str, place: Place, fault: BanksideError, *, login: str = ""
) -> AnyResponse:
    """The page once more, with what was wrong; a wrong password and an unknown login look alike."""
    where = "code" if template == CODE_PAGE else "login"
    reason = fault.code.partition(".")[2]
    if isinstance(fault, LoginRefused):
        reason = where
    elif isinstance(fault, PasskeyRefused):
        reason = "passkey"
    if reason == "factor_missing" and visit.pages.realm is not Realm.CUSTOMER:
        reason = "factor_missing.people"
    answer = visit.shown(
        template,
        status=fault.status,
        script=True,
        place=place,
        login=login,
        fault=f"customer.fault.{reason}",
    )
    if fault.retry_after:
        answer.headers["retry-after"] = str(fault.retry_after)
    return answer
