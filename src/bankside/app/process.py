"""What edge, web and worker have in common: the loop, logging, signals, the sockets from above."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable

import uvloop

from bankside.app.guard import end_with_parent
from bankside.app.settings import SettingInvalid, Settings
from bankside.kernel import telemetry


def run(settings: Settings, name: str, body: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run one process: ``body`` gets an event that is set when the process is asked to stop."""
    telemetry.configure(level=settings.log_level, process=name, folder=settings.home / "metrics")
    uvloop.run(_guarded(body))


async def _guarded(body: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    guard = asyncio.create_task(end_with_parent()) if sockets_given() else None
    try:
        await body(stop)
    finally:
        if guard is not None:
            guard.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await guard


def sockets_given() -> bool:
    """Whether a supervisor started us (it always names sockets, if only none)."""
    return "BANKSIDE_SOCKETS" in os.environ


def given_sockets() -> list[socket.socket]:
    """The listening sockets a supervisor passed down as file descriptor numbers."""
    numbers = os.environ.get("BANKSIDE_SOCKETS", "")
    return [socket.socket(fileno=int(number)) for number in numbers.split(",") if number]


def database_url(settings: Settings) -> str:
    """The database a child process uses: its supervisor names it, or the operator does."""
    if settings.database_url is None:
        raise SettingInvalid(
            "BANKSIDE_DATABASE_URL is not set; `bankside serve` starts everything together"
        )
    return settings.database_url


def instance() -> str:
    """This process among those of its kind: ``0``, ``1`` ..."""
    return os.environ.get("BANKSIDE_INDEX", str(os.getpid()))
