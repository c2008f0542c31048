"""Passkeys in real Chromium with a virtual authenticator: set up, log in, step up, remove, a copy.

The pages are served over HTTP on an address of this machine; the clock is the tests' own.
"""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
import uvicorn
from litestar import Litestar, get
from litestar.static_files import create_static_files_router
from playwright.async_api import CDPSession, Page, Request, async_playwright
from tests.console.customer_world import Customer, a_customer
from tests.identity.builders import PASSWORD
from tests.identity.fapi.rig import VAULT

import bankside.console
from bankside.console import customer, people
from bankside.console.entry import RealmPages
from bankside.console.pages import theme_css
from bankside.identity.passkeys import passkeys_of
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

SPACE = "prt_browserbank"
STATIC = Path(bankside.console.__file__).parent / "static"
# The first start of a browser on a busy machine takes its time; each wait ends with its event.
WAIT_MS = 60_000
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass
class Desk:
    """A customer in front of Chromium, with a passkey device."""

    pool: Pool
    clock: FixedClock
    address: str
    page: Page
    device: CDPSession
    device_id: str
    customer: Customer
    complaints: list[str]

    async def open(self, path: str) -> None:
        await self.page.goto(self.address + path)

    async def type_password(self) -> None:
        await self.open("/my/login")
        await self.page.fill("#login", self.customer.login)
        await self.page.fill("#password", PASSWORD)
        await self.page.click("form.fields button")
        await self.page.wait_for_url("**/my/second-factor")

    async def type_code(self) -> None:
        # Each code works once: the next one is half a minute later.
        self.clock.advance(timedelta(seconds=30))
        shown = pyotp.TOTP(self.customer.secret).at(self.clock.now())
        await self.page.fill("#code", shown)
        await self.page.click("form.fields button")

    async def log_in(self) -> None:
        await self.type_password()
        await self.type_code()
        await self.page.wait_for_url("**/my/consents")

    async def add_passkey(self, name: str = "Test phone") -> None:
        await self.open("/my/security")
        await self.page.fill("#name", name)
        await self.page.click("form.passkey button")
        await self.page.wait_for_url("**done=passkey")

    async def use_passkey(self) -> None:
        await self.page.click("form.passkey button")

    async def log_out(self) -> None:
        await self.open("/my/security")
        await self.page.click("form[action='/my/logout'] button")
        await self.page.wait_for_url("**/my/login")

    async def passkeys(self) -> Any:
        async with transaction(self.pool) as db:
            return await passkeys_of(db, SPACE, self.customer.id)


@contextlib.asynccontextmanager
async def served(pool: Pool, clock: FixedClock) -> AsyncIterator[str]:
    """The pages on a free port; the address that is their issuer."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    address = f"http://localhost:{listening.getsockname()[1]}"
    pages = RealmPages(pool, clock, VAULT, address)

    @get("/static/theme.css", media_type="text/css", sync_to_thread=False)
    def theme() -> str:
        return theme_css()

    static = create_static_files_router("/static", directories=[STATIC])
    app = Litestar(
        [theme, static, customer.routes(pages), *people.routes(pages)], openapi_config=None
    )
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield address
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def desk(pool: Pool, clock: FixedClock) -> AsyncIterator[Desk]:
    somebody = await a_customer(pool, clock, SPACE)
    async with served(pool, clock) as address, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=WAIT_MS
        )
        context = await browser.new_context(locale="en-US")
        context.set_default_timeout(WAIT_MS)
        page = await context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda told: complaints.append(told.text) if "Content Security" in told.text else None,
        )
        device = await context.new_cdp_session(page)
        await device.send("WebAuthn.enable")
        made = await device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        yield Desk(
            *(pool, clock, address, page, device, made["authenticatorId"], somebody, complaints)
        )
        await browser.close()
        assert complaints == []


async def test_a_passkey_is_set_up_logs_in_alone_steps_up_and_is_removed(desk: Desk) -> None:
    await desk.log_in()
    await desk.add_passkey()
    assert [each.name for each in await desk.passkeys()] == ["Test phone"]
    await desk.log_out()

    await desk.use_passkey()
    await desk.page.wait_for_url("**/my/consents")
    assert (await desk.passkeys())[0].used_at == desk.clock.now()

    # After six minutes a change asks for a proof from just now, and the passkey is one.
    desk.clock.advance(timedelta(minutes=6))
    await desk.open("/my/security")
    assert await desk.page.locator("#name").count() == 0
    await desk.page.click("a[href='/my/security/second-factor']")
    await desk.use_passkey()
    await desk.page.wait_for_url("**/my/security")
    assert await desk.page.locator("#name").count() == 1

    await desk.page.click("form[action$='/remove'] button")
    await desk.page.wait_for_url("**done=removed")
    assert not await desk.passkeys()
    await desk.log_out()
    await desk.use_passkey()
    await desk.page.wait_for_selector("text=did not log you in")


async def test_a_passkey_is_the_second_factor_and_an_answer_works_once(desk: Desk) -> None:
    await desk.log_in()
    await desk.add_passkey()
    await desk.log_out()
    await desk.type_password()
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("/my/passkey") and request.method == "POST":
            sent.append(request.post_data or "")

    desk.page.on("request", note)
    await desk.use_passkey()
    await desk.page.wait_for_url("**/my/consents")
    assert len(sent) == 1

    # The same answer again, from the same browser with a form token that is right.
    await desk.log_out()
    replayed = await desk.page.evaluate(
        """async (sent) => {
            const fields = new URLSearchParams(sent);
            fields.set("token", document.querySelector("input[name=token]").value);
            const answer = await fetch("/my/passkey", {method: "POST", body: fields});
            return answer.status;
        }""",
        sent[0],
    )
    assert replayed == 401


async def test_a_copy_of_a_passkey_is_noticed_and_neither_opens_any_more(desk: Desk) -> None:
    await desk.log_in()
    await desk.add_passkey()
    where = {"authenticatorId": desk.device_id}
    (copied,) = (await desk.device.send("WebAuthn.getCredentials", where))["credentials"]
    for _ in range(2):
        await desk.log_out()
        await desk.use_passkey()
        await desk.page.wait_for_url("**/my/consents")
    await desk.log_out()

    # The copy still counts from where it was made.
    await desk.device.send(
        "WebAuthn.removeCredential", {**where, "credentialId": copied["credentialId"]}
    )
    await desk.device.send("WebAuthn.addCredential", {**where, "credential": copied})
    await desk.use_passkey()

    await desk.page.wait_for_selector("text=did not log you in")
    (passkey,) = await desk.passkeys()
    assert passkey.flagged_at is not None
    await desk.log_in()
    await desk.open("/my/security")
    assert await desk.page.get_by_text("may have been copied").count() == 1


async def test_at_another_origin_no_passkey_is_offered_but_the_address_where_it_is(
    desk: Desk,
) -> None:
    await desk.log_in()
    await desk.add_passkey()

    await desk.page.goto(desk.address.replace("localhost", "127.0.0.1") + "/my/login")

    assert await desk.page.locator("form.passkey").is_hidden()
    refused = await desk.page.evaluate(
        """() => navigator.credentials.get({publicKey: {
            challenge: new Uint8Array(16), rpId: "localhost"}}).catch((error) => error.name)"""
    )
    assert refused == "SecurityError"
