"""The system's Chromium, driven by playwright; what a page did wrong is noted beside it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

# A busy machine takes long; what never comes is noticed all the same.
ANSWER_MS = 120_000
ARRIVED = b"<!doctype html><html lang='en'><title>The client</title><p>Thank you.</p></html>"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium with a profile of its own; skips where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is not here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        yield browser
        browser.close()


@contextmanager
def client_site() -> Iterator[str]:
    """The origin of a client's web site, to which customers come back."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(ARRIVED)))
        self.end_headers()
        self.wfile.write(ARRIVED)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: codes stand in these addresses."""


@dataclass
class Watched:
    """A window's context that notes requests to anybody else, and what the console complains of."""

    context: BrowserContext
    origins: tuple[str, ...]
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.set_default_timeout(ANSWER_MS)
        self.context.on("request", self._asked)
        self.context.on("console", self._said)

    @cached_property
    def page(self) -> Page:
        """The one page of this window; a second would cost a process of its own."""
        return self.context.new_page()

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(tuple(f"{origin}/" for origin in self.origins)):
            self.foreign.append(request.url)

    def _said(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")
