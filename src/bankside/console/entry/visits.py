"""One request to a page of a realm: its session, its form, its token, and the page it gets.

Always true: the cookie's secret stands nowhere but in the browser (the database has its hash); the
form token is a MAC under that secret, so a form of another site, or of another browser, is refused.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from litestar import Request, Response
from litestar.response import Redirect

from bankside.console.entry.errors import FormInvalid, FormStale, PagesBusy
from bankside.console.entry.places import BASES
from bankside.console.pages import SECURITY_HEADERS, page
from bankside.identity.passkeys import RelyingParty
from bankside.identity.realms import BANK, Realm
from bankside.identity.sessions import Session, Visitor, is_fresh, session_of
from bankside.identity.signing_keys import Minter
from bankside.kernel.clock import Clock
from bankside.kernel.db import Pool
from bankside.kernel.secrets import Vault

AnyRequest = Request[Any, Any, Any]
AnyResponse = Response[Any]

COOKIES: Mapping[Realm, str] = {
    Realm.CUSTOMER: "bankside-session",
    Realm.STAFF: "bankside-staff",
    Realm.PARTNER: "bankside-partner",
}
# Browsers take a cookie of this beginning only over https, for one host and all of its paths: so
# realms are told apart by name, and a cookie in the wrong place opens nothing.
HOST_PREFIX = "__Host-"
FORM_BYTES_MAX = 16_384
FIELDS_MAX = 150
# Each password check holds a connection and a core for a tenth of a second.
LOGINS_AT_ONCE = 2
LOGINS_WAITING_MAX = 50

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")


@dataclass(slots=True)
class LoginTurns:
    """Turns to check a password, for all realms of this process together."""

    _now: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LOGINS_AT_ONCE))
    _waiting: int = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn; PagesBusy when too many wait already."""
        if self._waiting >= LOGINS_WAITING_MAX:
            raise PagesBusy(retry_after=5)
        self._waiting += 1
        try:
            async with self._now:
                yield
        finally:
            self._waiting -= 1


@dataclass(slots=True)
class RealmPages:
    """What the pages of a realm need; ``issuer`` is the public address of this web process."""

    pool: Pool
    clock: Clock
    vault: Vault
    issuer: str
    realm: Realm = Realm.CUSTOMER
    turns: LoginTurns = field(default_factory=LoginTurns)

    def of(self, realm: Realm) -> "RealmPages":
        """The same for another realm."""
        return replace(self, realm=realm)

    @property
    def minter(self) -> Minter:
        """Who signs the answers that browsers carry back to clients."""
        return Minter(self.vault, self.issuer)

    @property
    def secure(self) -> bool:
        """Whether cookies are marked Secure; plain http is for loopback only."""
        return self.issuer.startswith("https://")

    @property
    def cookie(self) -> str:
        """The name of the realm's session cookie."""
        name = COOKIES[self.realm]
        return f"{HOST_PREFIX}{name}" if self.secure else name

    @property
    def base(self) -> str:
        """The beginning of the realm's own addresses."""
        return BASES[self.realm]

    @property
    def space(self) -> str | None:
        """The one space of the realm; None when the login tells it."""
        return BANK if self.realm is Realm.STAFF else None

    @property
    def party(self) -> RelyingParty | None:
        """Where passkeys count; None when they cannot at this address."""
        return RelyingParty.of(self.issuer)


class Visit:
    """A request with the session of its browser, if there is a live one."""

    def __init__(self, pages: RealmPages, request: AnyRequest, session: Session | None) -> None:
        self.pages = pages
        self.request = request
        self.session = session
        self._given = request.cookies.get(pages.cookie, "")
        # A browser without a cookie gets one before it sees a form; it stands for no session.
        self.secret = self._given or f".{secrets.token_urlsafe(32)}"

    @property
    def token(self) -> str:
        """What every form of this browser carries."""
        return hmac.new(self.secret.encode(), b"form", hashlib.sha256).hexdigest()

    @property
    def visitor(self) -> Visitor:
        """Where the request comes from."""
        client = self.request.client
        device = self.request.headers.get("user-agent", "")
        return Visitor(source=client.host if client else "", device=device)

    async def form(self) -> dict[str, list[str]]:
        """The fields of the form; FormInvalid, or FormStale when it is not this browser's."""
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise FormInvalid
        body = await self.request.body()
        try:
            fields = parse_qs(
                body.decode("ascii"),
                keep_blank_values=True,
                errors="replace",
                max_num_fields=FIELDS_MAX,
            )
        except ValueError as error:
            raise FormInvalid from error
        given = fields.get("token", [""])[0]
        if not self._given or not hmac.compare_digest(given.encode(), self.token.encode()):
            raise FormStale
        return fields

    def shown(
        self,
        template: str,
        *,
        status: int = 200,
        leads_to: str = "",
        script: bool = False,
        **values: Any,
    ) -> AnyResponse:
        """A page; ``leads_to`` is the address a form on it may end at, beside our own.

        Browsers hold a form's redirect to the same rule as the form, so the client's origin stands
        in the policy of the page on which the customer decides. ``script``: a file of ours may run
        there and ask us (passkeys); everywhere else none does.
        """
        pages = self.pages
        answer = page(
            self.request,
            template,
            status=status,
            token=self.token,
            session=self.session,
            realm=pages.realm.value,
            base=pages.base,
            party=pages.party,
            issuer=pages.issuer,
            **values,
        )
        policy = SECURITY_HEADERS["content-security-policy"]
        origin = _origin(leads_to)
        if origin:
            policy = policy.replace("form-action 'self'", f"form-action 'self' {origin}")
        if script:
            policy += "; script-src 'self'; connect-src 'self'"
        answer.headers["content-security-policy"] = policy
        if self.secret != self._given:
            self._set(answer, self.secret)
        return answer

    def sent_to(self, address: str, *, secret: str | None = None) -> AnyResponse:
        """The browser goes on to ``address`` (303); ``secret`` is its session from now on."""
        answer = Redirect(address, status_code=303)
        answer.headers.update(SECURITY_HEADERS)
        if secret is not None:
            self._set(answer, secret)
        return answer

    def _set(self, answer: AnyResponse, secret: str) -> None:
        answer.set_cookie(
            self.pages.cookie,
            secret,
            path="/",
            secure=self.pages.secure,
            httponly=True,
            # Customers come back from the pages of clients; nobody else comes from another site.
            samesite="lax" if self.pages.realm is Realm.CUSTOMER else "strict",
        )


async def visit(pages: RealmPages, request: AnyRequest) -> Visit:
    """This request's visit."""
    async with pages.pool.acquire(timeout=2) as db:
        given = request.cookies.get(pages.cookie, "")
        session = await session_of(db, pages.clock, given, realm=pages.realm)
    return Visit(pages, request, session)


def logged_in(visit: Visit) -> Session | None:
    """The session, when both factors are proven."""
    return visit.session if visit.session and visit.session.is_full else None


def fresh(visit: Visit) -> bool:
    """Whether both factors were proven just now: what changes how one logs in asks for it."""
    return visit.session is not None and is_fresh(visit.session, visit.pages.clock.now())


def one(fields: dict[str, list[str]], name: str) -> str:
    """A field that occurs at most once; "" when it is missing, FormInvalid when it is repeated."""
    values = fields.get(name, [""])
    if len(values) != 1:
        raise FormInvalid
    return values[0]


def _origin(address: str) -> str:
    """The origin of a redirect URI, "" when it has none that a policy could name."""
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    return origin if _ORIGIN.fullmatch(origin) else ""
