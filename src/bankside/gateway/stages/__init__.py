"""The checks of one call, each a plain function; `pipeline.py` lists them once, in order.

A stage is ``stage(x, s) -> Refusal | None``: it reads and fills the Exchange, never calls another
stage, and never waits. A stage that needs a port is made by a function that takes the port.
"""

from collections.abc import Callable

from bankside.gateway.exchange import Exchange, Refusal
from bankside.gateway.serving import Serving

Stage = Callable[[Exchange, Serving], Refusal | None]

__all__ = ["Stage"]
