"""A customer in front of the pages: a browser without script, a bank, a client that asks.

The authorization server and the pages are one application on real PostgreSQL; the browser knows
only what stands in the HTML.
"""

import itertools
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pyotp
from httpx import ASGITransport, AsyncClient, Response
from litestar import Litestar
from tests.identity.builders import PASSWORD, put_login
from tests.identity.fapi.rig import ISSUER, VAULT, FAPIClient, World
from tests.orders.little_bank import a_person

from bankside.bank.accounts import (
    Account,
    Opening,
    ProductClass,
    ensure_house_accounts,
    open_account,
)
from bankside.bank.customers import register
from bankside.console import customer as customer_face
from bankside.console import link_refused
from bankside.console import people as people_faces
from bankside.console.entry import RealmPages
from bankside.identity.factors import new_totp_secret, set_totp
from bankside.identity.http import AuthorizationServer, routes
from bankside.identity.sessions import Session, SessionLevel, rules, store
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.ids import CustomerId, SessionId, new_id

SESSION_COOKIE = "__Host-bankside-session"
_logins, _sources = itertools.count(1), itertools.count(1)


@dataclass
class Form:
    """One form of a page: where it goes and what it carries; ``choices`` can be ticked."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    preselected: list[str] = field(default_factory=list)
    buttons: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in given}
        if tag == "form":
            self.forms.append(Form(attributes["action"], attributes["method"]))
        elif tag == "a":
            self.links.append(attributes["href"])
        elif tag == "input" and self.forms:
            self._input(self.forms[-1], attributes)
        elif tag == "button" and self.forms and "name" in attributes:
            self.forms[-1].buttons[attributes["value"]] = attributes["name"]

    def _input(self, form: Form, attributes: dict[str, str]) -> None:
        name, value = attributes["name"], attributes.get("value", "")
        if attributes["type"] in {"checkbox", "radio"}:
            form.choices.setdefault(name, []).append(value)
            if "checked" in attributes:
                form.preselected.append(value)
        else:
            form.fields.setdefault(name, []).append(value)


def forms_of(page: Response) -> list[Form]:
    reader = _Reader()
    reader.feed(page.text)
    return reader.forms


def links_of(page: Response) -> list[str]:
    reader = _Reader()
    reader.feed(page.text)
    return reader.links


@dataclass
class Customer:
    """Somebody with a login, an authenticator and accounts."""

    partner: str
    id: CustomerId
    login: str
    secret: str
    accounts: list[Account]


@dataclass
class Person:
    """A customer at a browser."""

    world: World
    browser: AsyncClient
    customer: Customer

    def code(self) -> str:
        """What the authenticator shows now."""
        return pyotp.TOTP(self.customer.secret).at(self.world.clock.now())

    async def get(self, path: str, **more: Any) -> Response:
        return await self.browser.get(path, **more)

    async def submit(self, page: Response, press: str = "", **filled: Any) -> Response:
        """Send the page's form as a browser would; ``filled`` overrides or adds fields."""
        form = next(f for f in forms_of(page) if not press or press in f.buttons or not f.buttons)
        data: dict[str, Any] = {**form.fields, **filled}
        if press:
            data[form.buttons[press]] = press
        return await self.browser.post(form.action, data=data)

    async def log_in(self, page: Response) -> Response:
        """Password and code, from the login page; where that leads."""
        answer = await self.submit(page, login=self.customer.login, password=PASSWORD)
        assert answer.status_code == 303, answer.text
        answer = await self.submit(await self.get(answer.headers["location"]), code=self.code())
        assert answer.status_code == 303, answer.text
        return await self.get(answer.headers["location"])

    async def be_logged_in(self) -> None:
        """A session as the two factors leave it, without the tenth of a second a password takes."""
        now, token = self.world.clock.now(), rules.new_token(self.customer.partner)
        place = rules.place_of(token)
        assert place is not None
        session = Session(
            partner=self.customer.partner,
            id=SessionId(new_id("session", self.world.clock)),
            person=self.customer.id,
            login=self.customer.login,
            level=SessionLevel.FULL,
            amr=("pwd", "otp", "mfa"),
            device="Testbrowser/1.0",
            source="198.51.100.1",
            started_at=now,
            authenticated_at=now,
            seen_at=now,
        )
        async with transaction(self.world.pool) as db:
            await store.insert(db, session, place[1])
        self.browser.cookies.delete(SESSION_COOKIE)
        self.browser.cookies.set(SESSION_COOKIE, token, domain="bank.example")

    async def agreed(self, client: FAPIClient, *accounts: Account, **asked: Any) -> Response:
        """The answer to a yes for these accounts."""
        page = await self.asked(client, **asked)
        chosen = [each.id for each in accounts]
        return await self.submit(page, "approve", **{"account-0": chosen})

    async def my_consents(self) -> Response:
        """Logged in at the own pages."""
        return await self.log_in(await self.get("/my/login"))

    async def asked(self, client: FAPIClient, **asked: Any) -> Response:
        """The page to which the client's link leads this browser."""
        pushed = await client.push(**asked)
        answer = await self.get(
            "/oauth/authorize",
            params={"client_id": client.client_id, "request_uri": pushed.request_uri},
        )
        assert answer.status_code == 303, answer.text
        return await self.get(answer.headers["location"])

    async def asked_and_logged_in(self, client: FAPIClient, **asked: Any) -> Response:
        """The page with the accounts to choose from."""
        page = await self.asked(client, **asked)
        login = next(link for link in links_of(page) if link.endswith("/login"))
        return await self.log_in(await self.get(login))


def application(world: World, *, source: str = "") -> AsyncClient:
    """A browser in front of a web process; every browser has an address of its own."""
    server = AuthorizationServer(world.pool, world.clock, VAULT, ISSUER)
    pages = RealmPages(world.pool, world.clock, VAULT, ISSUER)
    handlers = [
        *routes(server, refused_page=link_refused),
        customer_face.routes(pages),
        *people_faces.routes(pages),
    ]
    app = Litestar(handlers, openapi_config=None)
    address = source or f"198.51.{next(_sources) // 250}.{next(_sources) % 250}"
    transport = ASGITransport(app=app, client=(address, 50_000))  # type: ignore[arg-type]
    headers = {"accept-language": "en", "user-agent": "Testbrowser/1.0"}
    return AsyncClient(transport=transport, base_url=ISSUER, headers=headers)


async def a_customer(pool: Pool, clock: FixedClock, partner: str) -> Customer:
    """A customer with a current account in CNY and USD and a savings account."""
    login = f"customer.{next(_logins)}.{partner[-8:]}"
    secret = new_totp_secret()
    async with transaction(pool) as db:
        await ensure_house_accounts(db, "CNY")
        await ensure_house_accounts(db, "USD")
        registered = await register(db, clock, partner, a_person())
        await put_login(db, clock, partner, registered.id, login)
        await set_totp(db, clock, VAULT, partner, registered.id, secret=secret)
        accounts = [
            await open_account(
                db,
                clock,
                partner,
                Opening(customer=registered.id, product_class=kind, currency=currency),
            )
            for kind, currency in (
                (ProductClass.CURRENT, "CNY"),
                (ProductClass.SAVINGS, "CNY"),
                (ProductClass.CURRENT, "USD"),
            )
        ]
    return Customer(partner, registered.id, login, secret, accounts)
