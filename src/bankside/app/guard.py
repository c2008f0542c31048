"""Ends a child process when its supervisor is gone, however it went (also by kill -9)."""

import asyncio
import os
import signal

CHECK_SECONDS = 0.5


async def end_with_parent() -> None:
    """Watch the parent; when it changed, ask ourselves to stop the ordinary way."""
    parent = os.getppid()
    # Nobody can signal us about the death of a parent that is not ours to wait for: we look.
    while os.getppid() == parent:  # noqa: ASYNC110
        await asyncio.sleep(CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
