"""What commands need of the installation they run in; `app` supplies the real one."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bankside.kernel.clock import Clock

if TYPE_CHECKING:
    # The driver takes as long to import as all the rest of `--help`.
    from bankside.bank.clearing import Batch
    from bankside.kernel.db import Pool


class Installation(Protocol):
    """One installation of the platform: its home folder, addresses and database."""

    @property
    def home(self) -> Path:
        """The folder that holds database, keys, segments and ``demo.json``."""

    @property
    def issuer(self) -> str:
        """The public address of the web process: where people log in."""

    @property
    def egress_loopback(self) -> bool:
        """Whether this machine's own addresses may be called: in trials only."""

    @property
    def upstream_hosts(self) -> frozenset[str]:
        """Services of the bank that the operator named (``host:port``)."""

    @property
    def clock(self) -> Clock:
        """The clock commands use."""

    def pool(self) -> AbstractAsyncContextManager["Pool"]:
        """A pool on the running, or for the moment started, migrated database."""

    async def publish(self, pool: "Pool") -> int:
        """Compile and publish a snapshot; its version."""

    def imported_routes(self) -> int:
        """Routes that are forwarded to services of the bank, by the snapshot kept on disk."""

    def runnable(self, product: Any, operation: Any) -> bool:
        """Whether the orders runtime executes this operation today."""

    def refusals(self, product: Any, operation: Any) -> tuple[str, ...]:
        """The codes that an operation can answer with."""

    async def examine(self, pool: "Pool", request: bytes, theirs: str | None) -> Mapping[str, Any]:
        """The signature doctor's report on a raw HTTP request."""

    async def close_day(self, pool: "Pool", day: date | None) -> Mapping[str, Any]:
        """Run the end-of-day steps of a business date (None: the one in progress)."""

    async def act_as(
        self, pool: "Pool", app: str, operation: str, body: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Carry out a platform operation as one of the partners' apps; its answer's body."""

    # tidy: arguments - what to prove, how to repeat it, who answers for it and who is told
    async def prove(
        self,
        pool: "Pool",
        product: str,
        version: int,
        *,
        seed: int,
        by: str,
        tell: Callable[[str], None],
    ) -> Mapping[str, Any]:
        """Run the checks of a product version over the running edge and keep them as evidence.

        ``version`` 0: the one that sandbox apps meet; ``by``: a login, "" nobody's.
        """

    async def clear_day(self, pool: "Pool", day: date | None) -> "Batch":
        """Settle, seal, net and pay out a closed business date (None: the newest) as far as today
        allows; what its batch is now.
        """
