"""A customer at a browser without script: follows pages, fills forms, knows only what they say.

Logs in when a page asks for it, and uses the next code of the authenticator: each is good once.
"""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pyotp
from tests.clients.forms import Form, forms_of, links_of

PAGES_MAX = 10
STEP_SECONDS = 30
# The last step spent, by secret: the bank takes no code twice, whoever shows it.
_spent: dict[str, int] = {}


def next_code(secret: str) -> str:
    """A code of the authenticator that was not shown before; waits when the next is too early."""
    while True:
        now = int(time.time()) // STEP_SECONDS
        step = max(now, _spent.get(secret, 0) + 1)
        if step <= now + 1:
            _spent[secret] = step
            return pyotp.TOTP(secret).generate_otp(step)
        time.sleep(0.5)


class Customer:
    """One customer of ``demo.json`` with a browser of its own."""

    def __init__(self, web: str, facts: Mapping[str, Any]) -> None:
        self.web = web
        self.facts = facts
        self.browser = httpx.Client(follow_redirects=False, timeout=30)
        self.seen: list[httpx.Response] = []

    @property
    def accounts(self) -> list[str]:
        """The customer's account ids."""
        return [each["id"] for each in self.facts["accounts"]]

    def approve(self, address: str, *accounts: str) -> str:
        """Say yes, from these accounts (default: the first); where the browser is sent then."""
        chosen = list(accounts or self.accounts[:1])
        return self._decided(address, "approve", chosen)

    def refuse(self, address: str) -> str:
        """Say no; where the browser is sent then."""
        return self._decided(address, "refuse", [])

    def open(self, path: str) -> httpx.Response:
        """A page of the customer's own, logging in when it is asked for."""
        return self._at(urljoin(self.web, path), decide=False)

    def submit(self, page: httpx.Response, form: Form, **filled: Any) -> httpx.Response:
        """Send a form with what it carries and what is filled in."""
        data = {**form.fields, **filled}
        return self._noted(self.browser.post(urljoin(str(page.url), form.action), data=data))

    def revoke(self, client_name: str) -> None:
        """Take back the newest consent of a client, two clicks from the customer's home."""
        page = self.open("/my/consents")
        assert client_name in page.text, page.text
        link = next(each for each in links_of(page.text) if each.endswith("/revoke"))
        asked = self._get(urljoin(self.web, link))
        form = next(each for each in forms_of(asked.text) if each.action.endswith("/revoke"))
        answer = self.submit(asked, form)
        assert answer.status_code == 303, answer.text

    def close(self) -> None:
        """Close the browser."""
        self.browser.close()

    def _decided(self, address: str, decision: str, accounts: list[str]) -> str:
        page = self._at(address, decide=decision == "approve")
        form = next(each for each in forms_of(page.text) if decision in each.buttons)
        fields: dict[str, Any] = {form.buttons[decision]: decision}
        if decision == "approve":
            for name, offered in form.choices.items():
                fields[name] = [each for each in offered if each in accounts]
        answer = self.submit(page, form, **fields)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def _at(self, address: str, *, decide: bool) -> httpx.Response:
        """Follow redirects and log in until a page is reached that asks for neither."""
        for _ in range(PAGES_MAX):
            page = self._get(address)
            if page.is_redirect:
                address = urljoin(str(page.url), page.headers["location"])
                assert address.startswith(self.web), f"left the bank for {address}"
                continue
            answer = self._proven(page)
            if answer is not None:
                assert answer.status_code == 303, answer.text
                address = urljoin(str(page.url), answer.headers["location"])
                continue
            on = self._login_link(page) if decide else None
            if on is None:
                return page
            address = on
        raise AssertionError(
            f"no end of pages: {[str(each.url) for each in self.seen[-PAGES_MAX:]]}"
        )

    def _proven(self, page: httpx.Response) -> httpx.Response | None:
        """The answer to a login or second factor form; None when the page has neither."""
        for form in forms_of(page.text):
            if "password" in form.fields:
                return self.submit(
                    page, form, login=self.facts["login"], password=self.facts["password"]
                )
            if "code" in form.fields:
                return self.submit(page, form, code=next_code(self.facts["totp_secret"]))
        return None

    def _login_link(self, page: httpx.Response) -> str | None:
        """Where an interaction's page leads who has not logged in yet."""
        if any("approve" in form.buttons for form in forms_of(page.text)):
            return None
        found = (each for each in links_of(page.text) if urlsplit(each).path.endswith("/login"))
        return urljoin(str(page.url), next(found))

    def _get(self, address: str) -> httpx.Response:
        return self._noted(self.browser.get(address))

    def _noted(self, answer: httpx.Response) -> httpx.Response:
        self.seen.append(answer)
        assert answer.status_code < 500, answer.text
        return answer
