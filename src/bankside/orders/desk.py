"""The desk every order operation is carried out at: one call, one change, one commit.

Always true: postings, order row, journal rows, stored answer and events of a change commit together
(``Books.commit``); an answer leaves after that commit. Whoever loses a race to change an order
reads it again and decides again, a bounded number of times. Source: reliability guide, 2.3 and 3.
"""

import asyncio
import copy
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from bankside.bank.ledger import Books, Group, transfer
from bankside.catalog import Catalogue, Product, ProductOperation
from bankside.identity.assertions import proof_used
from bankside.kernel.call import Answer, Call
from bankside.kernel.clock import NO_TIME, Clock, ShiftedClock
from bankside.kernel.db import (
    CONNECTION_LOST,
    POOL_ACQUIRE_SECONDS,
    Connection,
    Pool,
    Write,
    transaction,
    write_all,
)
from bankside.kernel.errors import BanksideError, Refused, Unavailable
from bankside.kernel.idempotency import KeyScope
from bankside.kernel.secrets import Vault
from bankside.orders import account_classes, engine, events, store, store_keys
from bankside.orders.editions import Editions
from bankside.orders.engine import Change
from bankside.orders.errors import (
    BY_VERDICT,
    KeyInProgress,
    KeyMissing,
    KeyReused,
    OrderBusy,
    PaymentRefused,
    by_code,
)
from bankside.orders.model import Order, State
from bankside.orders.ports import Outside
from bankside.orders.posting import group_of
from bankside.orders.races import Moved as Moved  # noqa: PLC0414 - what callers of the desk catch
from bankside.orders.races import meaning
from bankside.orders.sandbox.heard import Clocks
from bankside.orders.turnstile import Occupied, Turnstile
from bankside.partners.webhooks import Webhooks

# Security guide, section 10: wait up to a second for the first request of a key, then 409.
KEY_WAIT_SECONDS = 1.0
# Longer than any healthy batch takes; then the caller is told to come again.
ORDER_WAIT_SECONDS = 5.0
# Each lost race means somebody else's change went through, so more attempts change little.
ATTEMPTS_MAX = 8
KEY_LENGTH_MAX = 128
# Counts that one order remembers: more acts than these count on when it is undone.
COUNTED_MAX = 100


@dataclass(frozen=True, slots=True)
class Ticket:
    """One call at the desk: what runs, for whom, and the key its outcome is kept under.

    ``accounts``: the only ones it may reach, when a customer's consent lets it in.
    """

    call: Call
    operation: ProductOperation
    product: Product
    at: datetime
    key: KeyScope | None = None
    request_hash: bytes = b""
    accounts: frozenset[str] | None = None

    @property
    def environment(self) -> str:
        """``sandbox`` or ``live``: where the calling app stands."""
        return self.call.caller.environment

    @property
    def scope(self) -> store.Scope:
        """Whose orders the caller may see."""
        return store.Scope(self.call.caller.partner, self.call.caller.tenant, self.accounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What commits together: changed orders (the first one names the group), writes, the answer.

    ``refused`` makes the change that is written instead when the ledger says no; it gets the group
    whose verdict says why. ``refusals`` are better words than the payer's for single verdicts.
    """

    changes: tuple[Change, ...]
    refused: Callable[[UUID], Change] | None = None
    writes: Sequence[Write] = ()
    ticket: Ticket | None = None
    answer: Answer | None = None
    narrative: str = ""
    refusals: Mapping[str, type[BanksideError]] = field(default_factory=dict)


class Desk:
    """Database, ledger, clock and catalogue of the room, and the rules of committing to them."""

    # Where callers reach the edge: answers that link to themselves begin with it.
    address: str = ""
    # Where payers reach the hosted pages.
    pages: str = ""
    # Seals the second factors of a sandbox's test people; without one they have none.
    vault: Vault | None = None
    # Carries out a call, and says whether an operation runs: the runtime's own, for runs of
    # solutions, whose steps are calls like any other.
    perform: Callable[[Call], Awaitable[Answer]]
    runnable: Callable[[Product, ProductOperation], bool]
    # Keeps the keys of webhook endpoints; None where none are kept.
    webhooks: Webhooks | None = None

    def __init__(
        self,
        pool: Pool,
        books: Books,
        clock: Clock,
        catalogue: Catalogue,
        outside: Outside | None = None,
    ) -> None:
        outside = outside or Outside()
        self.authority = outside.authority
        self.market = outside.market
        self.network = outside.network
        self.credit = outside.credit
        self.channel = outside.channel
        self.pool = pool
        self.books = books
        # The bank's own time, and that of the data space the desk works in (`moved`).
        self.real = clock
        self.clock: Clock = clock
        self.ahead = NO_TIME
        self.catalogue = catalogue
        self.editions = Editions(catalogue)
        self.clocks = Clocks()
        self._turns = Turnstile()

    def moved(self, ahead: timedelta) -> "Desk":
        """This desk by a clock that is ``ahead`` of the bank's; the desk itself by the bank's."""
        if ahead == self.ahead:
            return self
        desk = copy.copy(self)
        desk.ahead = ahead
        desk.clock = ShiftedClock(self.real, ahead) if ahead else self.real
        return desk

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection for reads; nothing is written through it. Raises Unavailable."""
        try:
            async with self.pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db:
                yield db
        except asyncpg.DataError:
            raise  # asyncpg files it with the lost connections, and it is a bug of ours.
        except CONNECTION_LOST as error:
            raise Unavailable(retry_after=1) from error

    @asynccontextmanager
    async def turn(self, order_id: str) -> AsyncIterator[None]:
        """Be the only task of this process that works on the order. Raises OrderBusy."""
        try:
            async with self._turns.turn(("order", order_id), wait_seconds=ORDER_WAIT_SECONDS):
                yield
        except Occupied as error:
            raise OrderBusy(retry_after=1) from error

    async def once(self, ticket: Ticket, handle: Callable[[Ticket], Awaitable[Answer]]) -> Answer:
        """The answer to a call: the stored one of its key, or what ``handle`` does now.

        Raises KeyMissing, KeyReused, KeyInProgress, OrderBusy and the stored or new refusal.
        """
        ticket = _keyed(ticket)
        if ticket.key is None:
            return await self._attempts(ticket, handle)
        try:
            async with self._turns.turn(ticket.key, wait_seconds=KEY_WAIT_SECONDS):
                return await self._attempts(ticket, handle)
        except Occupied as error:
            raise KeyInProgress(retry_after=1) from error

    async def commit(self, unit: Unit) -> None:
        """Carry the unit out, or raise the ledger's refusal after storing it.

        Raises Moved when another writer was first, LimitPerDay, PayerTokenUsed.
        """
        group = group_of(unit.changes, unit.narrative)
        group_id = group.id if group else None
        counted = await self._counted(unit, group)
        changes = _remembering(unit.changes, store_keys.counted([*unit.writes, *counted]))
        riders = [write for change in changes for write in change.writes]
        proof = self._proof_of(unit.ticket)
        accepted = [*proof, *unit.writes, *counted, *riders, *self._written(changes, group_id)]
        refused: list[Write] = []
        if unit.ticket and unit.ticket.key and unit.answer:
            accepted.append(_kept(unit.ticket, unit.answer, unit.changes[0].after.id))
        if group is not None and unit.refused is not None:
            refused = [*proof, *self._written((unit.refused(group.id),), group.id)]
            if unit.ticket and unit.ticket.key:
                refused.append(_kept_refusal(unit.ticket, group.id, unit.refusals))
        try:
            verdict = await self.books.commit(
                group, accepted=accepted, refused=refused, ahead=self.ahead
            )
        except asyncpg.IntegrityConstraintViolationError as error:
            raise meaning(error) from error
        if verdict.repeat:
            raise Moved
        if not verdict.accepted:
            raise refusal(verdict.reason, unit.refusals)

    async def keep(
        self, ticket: Ticket, change: Callable[[Connection], Awaitable[Answer]]
    ) -> Answer:
        """Carry out a change that posts nothing; its answer is kept with the caller's key.

        One transaction. Raises Moved when another writer was first, Unavailable, and what the
        change refuses.
        """
        try:
            async with transaction(self.pool) as db:
                answer = await change(db)
                if ticket.key is not None:
                    await write_all(db, [_kept(ticket, answer, None)])
        except asyncpg.IntegrityConstraintViolationError as error:
            raise meaning(error) from error
        except asyncpg.DataError:
            raise  # asyncpg files it with the lost connections, and it is a bug of ours.
        except CONNECTION_LOST as error:
            raise Unavailable(retry_after=1) from error
        return answer

    async def _counted(self, unit: Unit, group: Group | None) -> Sequence[Write]:
        """What counts against the limits of class II and III accounts. ClassLimitExceeded."""
        legs = account_classes.touched(group)
        if not legs:
            return ()
        async with self.reading() as db:
            partner = unit.changes[0].after.partner
            return await account_classes.counted(db, partner, legs, self.clock.now())

    def _proof_of(self, ticket: Ticket | None) -> Sequence[Write]:
        """The proof of a call by token is used up with what the call does."""
        if ticket is None or not ticket.call.caller.proof:
            return ()
        caller = ticket.call.caller
        return (proof_used(self.real, (caller.partner, caller.app), caller.proof),)

    async def explained(self, db: Connection, order: Order) -> Order:
        """A refused order with the ledger's reason, which only the ledger keeps."""
        if order.state is not State.REFUSED or "code" in order.output:
            return order
        why = await self.verdict(db, order.output["group"])
        return replace(order, output={**order.output, "code": why.code, "detail": why.detail})

    async def verdict(
        self,
        db: Connection,
        group: str,
        refusals: Mapping[str, type[BanksideError]] | None = None,
    ) -> BanksideError:
        """The refusal of a group the ledger refused before."""
        posted = await transfer(db, UUID(group))
        return refusal(posted.verdict.reason if posted else None, refusals or {})

    def _written(self, changes: Sequence[Change], group: UUID | None) -> list[Write]:
        writes: list[Write] = []
        for change in changes:
            before = change.before.revision if change.before else 0
            after = replace(
                change.after,
                revision=before + 1,
                event_seq=change.after.event_seq + len(change.events),
            )
            if change.before is None:
                writes.append(store.inserted(after))
            else:
                writes.append(store.updated(after, revision=before))
            writes += store.journaled(after, change.entries, revision=before, group=group)
            writes += events.published(after, change.events, self.real)
        return writes

    async def _attempts(
        self, ticket: Ticket, handle: Callable[[Ticket], Awaitable[Answer]]
    ) -> Answer:
        for _ in range(ATTEMPTS_MAX):
            stored = await self._stored(ticket)
            if stored is not None:
                return stored
            try:
                return await handle(ticket)
            except Moved:
                await asyncio.sleep(0)
        raise OrderBusy(retry_after=1)

    async def _stored(self, ticket: Ticket) -> Answer | None:
        """The first answer to the ticket's key, or None. Raises KeyReused and stored refusals."""
        if ticket.key is None:
            return None
        async with self.reading() as db:
            stored = await store_keys.stored_answer(db, ticket.key)
            if stored is None:
                return None
            if stored.request_hash != ticket.request_hash:
                raise KeyReused
            answer = msgspec.json.decode(stored.answer)
            if "refused" in answer:
                words = {reason: by_code(code) for reason, code in answer["words"].items()}
                refused = await self.verdict(db, answer["refused"], words)
                refused.hit = True
                raise refused
        facts = {"order": stored.order} if stored.order else {}
        return Answer(stored.status, answer, hit=True, facts=facts)


def _remembering(
    changes: Sequence[Change], counted: Sequence[Mapping[str, Any]]
) -> Sequence[Change]:
    """The changes with what was counted for the last one's order: undone, it is freed again."""
    if not counted:
        return changes
    *others, last = changes
    known = [*last.after.output.get(engine.COUNTED, ()), *counted][-COUNTED_MAX:]
    after = replace(last.after, output={**last.after.output, engine.COUNTED: known})
    return (*others, replace(last, after=after))


def refusal(reason: str | None, words: Mapping[str, type[BanksideError]]) -> BanksideError:
    """The ledger's verdict in the words of orders."""
    found = words.get(reason or "") or BY_VERDICT.get(reason or "", PaymentRefused)
    return found()


def _keyed(ticket: Ticket) -> Ticket:
    """The ticket with the scope of its key and the hash of its request. Raises KeyMissing."""
    call, key = ticket.call, ticket.call.idempotency_key
    if not ticket.operation.writes:
        return ticket
    if key is None and not ticket.operation.needs_key:
        return ticket
    if not (key and len(key) <= KEY_LENGTH_MAX and key.isascii() and key.isprintable()):
        raise KeyMissing
    content = [ticket.operation.id, dict(call.path), dict(call.query), dict(call.body)]
    # A key answers nothing of one customer to a token of another.
    content += [call.caller.psu] if call.caller.psu else []
    # Nor what one consent let in to a call under another; a file is told again only while every
    # account is open that was then (a payment is its own consent's, which stays used up).
    content += [call.caller.consent] if call.caller.consent else []
    if ticket.accounts is not None and not ticket.operation.moves_money:
        content += [sorted(ticket.accounts)]
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, default=str)
    request_hash = hashlib.sha256(text.encode()).digest()
    return replace(ticket, key=KeyScope.of(call), request_hash=request_hash)


def _kept(ticket: Ticket, answer: Answer, order: str | None) -> Write:
    assert ticket.key is not None
    text = msgspec.json.encode(answer.body).decode()
    stored = store_keys.Stored(ticket.request_hash, answer.status, text, order)
    return store_keys.answered(ticket.key, stored, at=ticket.at)


def _kept_refusal(ticket: Ticket, group: UUID, words: Mapping[str, type[BanksideError]]) -> Write:
    """The reason is the ledger's to keep: a repeat asks it for the verdict on the group."""
    assert ticket.key is not None
    answer = {
        "refused": str(group),
        "words": {reason: error.code for reason, error in words.items()},
    }
    text = msgspec.json.encode(answer).decode()
    stored = store_keys.Stored(ticket.request_hash, Refused.status, text, None)
    return store_keys.answered(ticket.key, stored, at=ticket.at)
