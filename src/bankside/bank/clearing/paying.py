"""Payouts leave: to accounts here at once, to other banks by the network, once each.

Always true: a payout is sent after it was committed, under a key derived from the date and the
merchant; unknown is asked again, never paid again; what failed stays where it was claimed until
two people release it. Source: reliability guide, sections 3 and 7.1.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from bankside.bank.accounts import House, house_account, in_space
from bankside.bank.clearing import store, store_payouts
from bankside.bank.clearing.model import Batch, Payout, PayoutState, payout_moved
from bankside.bank.ledger import Group, Leg, group_id, post
from bankside.bank.networks import Network, Outcome, Outgoing
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.money import Money

# Payouts posted in one transaction: the chain is locked for it (some 100 ms).
CHUNK = 500
# A million payouts take this many chunks; more is a loop that does not end.
CHUNKS_MAX = 10_000
# An unknown payout is asked about after 1, 2, 4 ... minutes, at most every six hours.
PAUSE_MINUTES_MAX = 6 * 60
# Beyond this the pause no longer grows.
DOUBLINGS_MAX = 9

_log = structlog.get_logger("clearing")


async def pay(pool: Pool, clock: Clock, network: Network, batch: Batch) -> None:
    """Every prepared payout leaves: here at once, elsewhere by the network."""
    for inside in (True, False):
        for _ in range(CHUNKS_MAX):
            async with transaction(pool) as db:
                await store.one_at_a_time(db, batch.space)
                lines = await store_payouts.payouts(
                    db, batch, [PayoutState.PREPARED], inside=inside, limit=CHUNK
                )
                await (_paid_here if inside else _submitted)(db, clock, lines)
            if not lines:
                break
            if not inside:
                for line in lines:
                    outcome = await network.send(line.key, _outgoing(line))
                    await _told(pool, clock, replace(line, state=PayoutState.SUBMITTED), outcome)


async def _paid_here(db: Connection, clock: Clock, lines: Sequence[Payout]) -> None:
    """Payouts to accounts here: posted and decided in the same transaction."""
    now = clock.now()
    groups = [
        _leg(each, f"{each.merchant}.payable", each.target, "payout", "paid") for each in lines
    ]
    verdicts = await post(db, groups, at=now) if groups else []
    for each, verdict in zip(lines, verdicts, strict=True):
        to = PayoutState.CONFIRMED if verdict.accepted else PayoutState.FAILED
        after = replace(
            each,
            state=payout_moved(each.state, to),
            reason=verdict.reason,
            reference=str(group_id("clearing-paid", each.key)) if verdict.accepted else None,
            moved_at=now,
        )
        await store_payouts.move_payout(db, after, PayoutState.PREPARED)


async def _submitted(db: Connection, clock: Clock, lines: Sequence[Payout]) -> None:
    """Payouts to other banks: their money stands in interbank clearing before anybody is asked."""
    now = clock.now()
    groups = [
        _leg(
            each,
            f"{each.merchant}.payable",
            _house(House.CLEARING, each),
            "payout",
            "out",
        )
        for each in lines
    ]
    for verdict in await post(db, groups, at=now) if groups else []:
        assert verdict.accepted, "what is payable was claimed"
    for each in lines:
        # Asked about at once by whoever finds it: its sender may have died on the way.
        to = payout_moved(each.state, PayoutState.SUBMITTED)
        after = replace(each, state=to, ask_at=now, moved_at=now)
        await store_payouts.move_payout(db, after, PayoutState.PREPARED)


async def follow(pool: Pool, clock: Clock, network: Network, batch: Batch) -> None:
    """Ask about every payout whose outcome is not known and whose time to be asked has come."""
    now = clock.now()
    states = [PayoutState.SUBMITTED, PayoutState.UNKNOWN]
    async with pool.acquire() as db:
        lines = await store_payouts.payouts(db, batch, states, inside=False, limit=CHUNK)
    for line in lines:
        if line.ask_at is None or line.ask_at <= now:
            # A first request that nobody heard the answer of is sent again under its own key.
            asked = network.ask if line.state is PayoutState.UNKNOWN else network.send
            await _told(pool, clock, line, await asked(line.key, _outgoing(line)))


async def _told(pool: Pool, clock: Clock, line: Payout, outcome: Outcome) -> None:
    """What the network said stands in the books and in the line; who comes second changes nothing.

    Done pays the network from interbank clearing; refused brings the money back to where it was
    claimed, and there it stays until people release it.
    """
    now = clock.now()
    clearing = _house(House.CLEARING, line)
    state = {"done": PayoutState.CONFIRMED, "refused": PayoutState.FAILED}.get(
        outcome.state, PayoutState.UNKNOWN
    )
    pause = timedelta(minutes=min(2 ** min(line.attempts, DOUBLINGS_MAX), PAUSE_MINUTES_MAX))
    after = replace(
        line,
        state=payout_moved(line.state, state),
        reference=outcome.reference,
        reason=outcome.reason,
        simulated=outcome.simulated,
        attempts=line.attempts + 1,
        ask_at=now + pause if state is PayoutState.UNKNOWN else None,
        moved_at=now,
    )
    async with transaction(pool) as db:
        if not await store_payouts.move_payout(db, after, line.state):
            return
        if state is PayoutState.UNKNOWN:
            _log.warning("payout_unknown", key=line.key, merchant=line.merchant, on=str(line.on))
            return
        back = f"{line.merchant}.payable"
        to = _house(House.NOSTRO, line) if state is PayoutState.CONFIRMED else back
        kind = "payout" if state is PayoutState.CONFIRMED else "payout_return"
        group = _leg(line, clearing, to, kind, "told")
        verdict = (await post(db, [group], at=now))[0]
        assert verdict.accepted, "what is in interbank clearing can leave it"


def _house(kind: House, line: Payout) -> str:
    """The bank's own account that the payout's data space has for it."""
    return in_space(house_account(kind, line.currency), line.partner)


def _leg(line: Payout, debit: str, credit: str, kind: str, act: str) -> Group:
    leg = Leg(debit, credit, Money(line.amount, line.currency))
    return Group(
        group_id(f"clearing-{act}", line.key), (leg,), kind=kind, narrative=f"clearing {line.on}"
    )


def _outgoing(line: Payout) -> Outgoing:
    assert line.bank is not None and line.account_name is not None
    return Outgoing(
        amount=Money(line.amount, line.currency),
        account=line.target,
        name=line.account_name,
        bank=line.bank,
        remittance=f"clearing {line.on}",
    )
