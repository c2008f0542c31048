"""The sandbox's platform operations: an app's own data space, its people, its clock.

Ordinary guarded calls of a sandbox app about itself; what changes something there needs a space of
its own, because a partner's shared one is other apps' too. A new space and a moved clock reach the
other edge workers with the next snapshot, within seconds.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bankside.bank import ledger
from bankside.bank.accounts import account as find_account
from bankside.identity import move_client
from bankside.identity.consents import record_expiries
from bankside.kernel.call import Answer
from bankside.kernel.clock import rfc3339
from bankside.kernel.db import Connection
from bankside.kernel.ids import PartnerId
from bankside.kernel.money import Money
from bankside.orders import parties
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import PaymentRefused, SandboxOnly
from bankside.orders.inputs import fault, ranged, read_body, refuse
from bankside.orders.sandbox import jump, seeding
from bankside.partners import Space, give_space, move_clock, read_space, renew_space
from bankside.partners.sandboxes import ClockBackwards, announce_load

CREATED, OK = 201, 200
# A call is waited for 10 s; what a jump has not reached by then, the next call goes on with.
JUMP_SECONDS = 7.0
DAYS_MAX = 3_660
SECONDS_MAX = 86_400 * DAYS_MAX
# A load test finds what a partner's own side bears; more than this is the bank's to measure.
LOAD_MINUTES_MAX = 30
LOAD_RATE_MAX = 2_000
# How far a clock may be ahead in all: deposits, loans and pensions of a lifetime are shorter.
AHEAD_MAX = timedelta(days=18_000)


async def create(desk: Desk, ticket: Ticket) -> Answer:
    """The calling app has a data space of its own, with people and money.

    Raises SandboxOnly, SpaceExists, InputInvalid when ``app`` does not name the caller.
    """
    form = _about_itself(ticket)

    async def made(db: Connection) -> Answer:
        parent = PartnerId(ticket.call.caller.partner)
        space = await give_space(db, desk.real, parent, form["app"])
        return await _moved_in(desk, db, parent, space)

    return await desk.keep(ticket, made)


async def reset(desk: Desk, ticket: Ticket) -> Answer:
    """The calling app has a fresh space at the present time. Raises as ``create``, SpaceUnknown."""
    _about_itself(ticket)

    async def made(db: Connection) -> Answer:
        old = PartnerId(ticket.call.caller.partner)
        return await _moved_in(desk, db, old, await renew_space(db, desk.real, old))

    return await desk.keep(ticket, made)


async def show(desk: Desk, ticket: Ticket) -> Answer:
    """The caller's space and what time it is there. Raises SpaceUnknown."""
    _in_sandbox(ticket)
    async with desk.reading() as db:
        return Answer(OK, shown(await read_space(db, ticket.call.caller.partner), ticket.at))


async def people_told(desk: Desk, ticket: Ticket) -> Answer:
    """The people that the caller's space began with, and their balances. Raises SpaceUnknown."""
    _in_sandbox(ticket)
    async with desk.reading() as db:
        space = await read_space(db, ticket.call.caller.partner)
        return Answer(OK, await seeding.told(db, space.id))


async def fund(desk: Desk, ticket: Ticket) -> Answer:
    """Test money is on the account. Raises SpaceUnknown, AccountUnknown, CurrencyRefused."""
    _in_sandbox(ticket)
    form = read_body(ticket.operation.inputs, ticket.call.body)
    amount: Money = form["amount"]
    if amount.minor > seeding.FUNDING_MAX_MINOR:
        most = Money(seeding.FUNDING_MAX_MINOR, amount.currency)
        refuse([fault("/amount", "field.range", f"one funding is at most {most}")])

    async def paid(db: Connection) -> Answer:
        space = await read_space(db, ticket.call.caller.partner)
        named = {"/account": form["account"]}
        found = (await parties.accounts(db, ticket.scope, named, amount))[form["account"]]
        assert ticket.key is not None, "money needs a key"
        key = f"{ticket.key.app} {ticket.key.key}"
        to = (found.ledger_account, amount)
        verdict = await seeding.pay_in(db, desk.clock, space.id, to, key=key)
        if not verdict.accepted:
            raise PaymentRefused(f"the account takes nothing ({verdict.reason})")
        return Answer(CREATED, await _funded(db, space, found.id, amount))

    return await desk.keep(ticket, paid)


async def advance(desk: Desk, ticket: Ticket) -> Answer:
    """The clock of the caller's space stands later, and all that was due before has happened.

    A long jump may not be reached in one call (``reached`` false): the clock then stands where it
    was left, and the next call goes on. Raises SpaceUnknown, ClockBackwards, InputInvalid.
    """
    _in_sandbox(ticket)
    form = read_body(ticket.operation.inputs, ticket.call.body)
    partner = ticket.call.caller.partner
    async with desk.turn(f"clock of {partner}"):
        async with desk.reading() as db:
            stands = await read_space(db, partner)
        # What the database says, should this process not have heard of the last move yet.
        here = desk.moved(max(desk.ahead, stands.ahead))
        begun = desk.real.now()
        asked = _target(form, here.clock.now(), begun)
        reached = await jump.catch_up(here, partner, asked, seconds=JUMP_SECONDS)
        # From when the call began: 30 days asked are 30 days, however long the jump took.
        ahead = timedelta(seconds=math.ceil((reached - begun).total_seconds()))
        ahead = max(ahead, stands.ahead)

        async def moved(db: Connection) -> Answer:
            space = await move_clock(db, desk.real, partner, ahead)
            there = desk.moved(ahead)
            await record_expiries(db, there.clock, partner=partner)
            told = {"asked": rfc3339(asked), "reached": reached >= asked}
            return Answer(CREATED, {**shown(space, there.clock.now()), **told})

        answer = await desk.keep(ticket, moved)
        desk.clocks.moved(partner, ahead)
    return answer


async def load_test(desk: Desk, ticket: Ticket) -> Answer:
    """The app may call faster for some minutes of the real clock, within its quota.

    Raises SpaceUnknown, InputInvalid. A later one takes the place of an earlier one.
    """
    _in_sandbox(ticket)
    form = read_body(ticket.operation.inputs, ticket.call.body)
    ranged(form, "minutes", 1, LOAD_MINUTES_MAX)
    ranged(form, "rate_per_second", 1, LOAD_RATE_MAX)
    rate, until = form["rate_per_second"], desk.real.now() + timedelta(minutes=form["minutes"])

    async def announced(db: Connection) -> Answer:
        space = await announce_load(
            db, desk.real, ticket.call.caller.partner, rate=rate, until=until
        )
        told = {"rate_per_second": rate, "until": rfc3339(until)}
        return Answer(CREATED, {**shown(space, ticket.at), **told})

    return await desk.keep(ticket, announced)


def shown(space: Space, now: datetime) -> dict[str, Any]:
    """A space as calls and the command line show it; ``now`` is its own time."""
    return {
        "space": space.id,
        "app": space.app,
        "now": rfc3339(now),
        "ahead_seconds": int(space.ahead.total_seconds()),
        "created_at": rfc3339(space.created_at),
    }


async def _moved_in(desk: Desk, db: Connection, old: PartnerId, space: Space) -> Answer:
    """The new space has its people; the app's client of the authorization server came along."""
    await move_client(db, desk.real, old, space.app, to=space.id)
    arrived = await seeding.move_in(db, desk.real, desk.vault, space.id)
    body = {
        **shown(space, desk.real.now()),
        "tenant": arrived.tenant,
        "app_auth_token": arrived.tenant_token,
    }
    return Answer(CREATED, body)


async def _funded(db: Connection, space: Space, account: str, amount: Money) -> dict[str, Any]:
    found = await find_account(db, space.id, account)
    available = (await ledger.balance(db, found.ledger_account)).available
    return {
        "account": found.id,
        "amount": {"amount": str(amount), "currency": amount.currency},
        "available": {"amount": str(available), "currency": available.currency},
    }


def _in_sandbox(ticket: Ticket) -> None:
    if ticket.environment != "sandbox":
        raise SandboxOnly


def _about_itself(ticket: Ticket) -> Mapping[str, Any]:
    """The form, when it names the calling app: nobody gives up its data by a slip."""
    _in_sandbox(ticket)
    form = read_body(ticket.operation.inputs, ticket.call.body)
    if form["app"] != ticket.call.caller.app:
        refuse([fault("/app", "field.choice", "name the calling app itself")])
    return form


def _target(form: Mapping[str, Any], now: datetime, real: datetime) -> datetime:
    """The instant that is asked for. Raises InputInvalid, ClockBackwards."""
    given = [name for name in ("days", "seconds", "to") if name in form]
    if len(given) != 1:
        refuse([fault("/days", "field.missing", "give one of days, seconds and to")])
    ranged(form, "days", 1, DAYS_MAX)
    ranged(form, "seconds", 1, SECONDS_MAX)
    if "to" in form:
        asked = _instant(form["to"])
    else:
        asked = now + timedelta(days=form.get("days", 0), seconds=form.get("seconds", 0))
    if asked <= now:
        raise ClockBackwards
    if asked - real > AHEAD_MAX:
        refuse([fault(f"/{given[0]}", "field.range", f"at most {AHEAD_MAX.days} days ahead")])
    return asked


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        refuse([fault("/to", "field.pattern", "expected an RFC 3339 instant with its zone")])
    assert found is not None
    return found.astimezone(UTC)
