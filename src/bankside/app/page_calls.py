"""A call record for every attempt to pay at a hosted page, beside those of the edge.

Always true: the record is on disk before the payer hears of the payment; it names the order's app,
which is whose payment this is, and the wire ``page``; nothing of an amount or a name is in it.
"""

import secrets
from dataclasses import dataclass

import structlog

from bankside.kernel.clock import Clock
from bankside.kernel.db import POOL_ACQUIRE_SECONDS, Pool
from bankside.kernel.errors import BanksideError, Unavailable
from bankside.kernel.ids import PartnerId
from bankside.kernel.metering import CallRecord, Outcome, SegmentWriter
from bankside.orders import PaymentPage, PaymentPages
from bankside.partners import read_app

log = structlog.get_logger(__name__)

WIRE = "page"
# The last part of the operation's name: there is no route of this name, payers call by browser.
WORD = "page-payments"


@dataclass(frozen=True, slots=True)
class PageCalls:
    """The checkout pages' ``Calls``, on the record writer of this process."""

    pool: Pool
    clock: Clock
    payments: PaymentPages
    writer: SegmentWriter

    def ready(self) -> None:
        """Nothing is paid that could not be recorded. Raises Unavailable."""
        if self.writer.failing:
            raise Unavailable

    async def ended(
        self, page: PaymentPage, customer: str, error: Exception | None, seconds: float
    ) -> None:
        """An attempt ended; what it ended in stands in the record, and the record on disk."""
        order = page.order
        product = await self.payments.product(page)
        async with self.pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db:
            app = await read_app(db, PartnerId(order.partner), order.app)
        now = self.clock.now()
        refusal = error if isinstance(error, BanksideError) else None
        self.writer.append(
            CallRecord(
                request_id=secrets.token_hex(16),
                started_at=int((now.timestamp() - seconds) * 1_000_000),
                duration_us=int(seconds * 1_000_000),
                partner=order.partner,
                tenant=order.tenant or "",
                psu=customer,
                app=order.app,
                wire=WIRE,
                operation=f"{order.product}.{WORD}",
                product=order.product,
                branch=str(order.output.get("branch", "")),
                version=order.product_version,
                order=order.id,
                status=200 if error is None else getattr(error, "status", 503),
                code=refusal.code if refusal is not None else "",
                outcome=_outcome(error),
                stage="execute",
                risk_tier=product.risk_tier,
                data_class=product.data_class,
                environment=app.environment,
            )
        )
        try:
            await self.writer.flushed()
        except OSError as failed:
            # The payment stands; the writer tries again and refuses the next one until it works.
            log.error("page_call_not_recorded", order=order.id, error=repr(failed))


def _outcome(error: Exception | None) -> Outcome:
    if error is None:
        return "ok"
    if not isinstance(error, BanksideError) or error.outcome_unknown:
        return "unknown"
    return "failed" if error.status >= 500 else "refused"
