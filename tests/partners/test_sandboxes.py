"""The clocks of data spaces: forwards only, each its own, and everybody's who has none."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.partners.builders import a_partner, an_app

from bankside.kernel.clock import FixedClock, ShiftedClock
from bankside.kernel.db import Connection
from bankside.kernel.egress import Egress
from bankside.kernel.ids import PartnerId, is_space
from bankside.kernel.secrets import Vault
from bankside.partners import (
    Space,
    SpaceUnknown,
    clock_of,
    give_space,
    list_spaces,
    move_clock,
    moved_clocks,
    read_space,
    renew_space,
    signatory,
)
from bankside.partners.apps import NewApp, create_app
from bankside.partners.sandboxes import ClockBackwards, NotASandbox, SpaceExists
from bankside.partners.webhooks import NewEndpoint, Webhooks, list_endpoints, store


async def _space(db: Connection, clock: FixedClock) -> Space:
    partner = await a_partner(db, clock)
    app = await an_app(db, clock, partner)
    return await give_space(db, clock, partner.id, app.id)


async def test_a_space_is_an_id_of_its_own_kind_and_knows_who_signed(
    db: Connection, clock: FixedClock
) -> None:
    space = await _space(db, clock)

    assert is_space(space.id)
    assert not is_space(space.parent)
    assert (await signatory(db, space.id)).id == space.parent
    assert (await signatory(db, space.parent)).id == space.parent
    assert [each.id for each in (await list_spaces(db, space.parent)).items] == [space.id]


async def test_a_live_app_and_an_app_that_has_one_get_no_space(
    db: Connection, clock: FixedClock
) -> None:
    space = await _space(db, clock)
    live = await create_app(db, clock, space.parent, NewApp(name="till", environment="live"))

    with pytest.raises(NotASandbox):
        await give_space(db, clock, space.parent, live.id)
    with pytest.raises(SpaceExists):
        await give_space(db, clock, space.id, space.app)


async def test_a_clock_moves_forwards_and_only_its_own(db: Connection, clock: FixedClock) -> None:
    first, second = await _space(db, clock), await _space(db, clock)

    await move_clock(db, clock, first.id, timedelta(days=2))
    await move_clock(db, clock, first.id, timedelta(days=2))
    with pytest.raises(ClockBackwards):
        await move_clock(db, clock, first.id, timedelta(days=1))

    moved = await moved_clocks(db)
    assert moved[first.id] == timedelta(days=2)
    assert second.id not in moved
    there = await clock_of(db, clock, first.id)
    assert there.now() == clock.now() + timedelta(days=2)
    assert await clock_of(db, there, first.id) is there
    assert await clock_of(db, clock, second.id) is clock
    assert await clock_of(db, clock, first.parent) is clock


async def test_a_space_that_was_replaced_is_no_longer_there(
    db: Connection, clock: FixedClock
) -> None:
    old = await _space(db, clock)
    await move_clock(db, clock, old.id, timedelta(days=2))

    new = await renew_space(db, clock, old.id)

    assert (new.app, new.parent, new.ahead) == (old.app, old.parent, timedelta(0))
    assert old.id not in await moved_clocks(db)
    for use in (read_space(db, old.id), renew_space(db, clock, old.id)):
        with pytest.raises(SpaceUnknown):
            await use
    with pytest.raises(SpaceUnknown):
        await move_clock(db, clock, PartnerId("prt_nobody"), timedelta(days=3))


async def test_webhook_endpoints_move_with_a_reset_and_are_still_told_of_what_was_before(
    db: Connection, clock: FixedClock
) -> None:
    webhooks = Webhooks(clock, Vault(bytes(32)), Egress(loopback=True))
    old, other = await _space(db, clock), await _space(db, clock)
    new = NewEndpoint(url="http://127.0.0.1:1/told", types=("order.",))
    made, _ = await webhooks.create(db, old.id, new)
    kept, _ = await webhooks.create(db, other.id, new)

    first = await renew_space(db, clock, old.id)
    second = await renew_space(db, clock, first.id)

    assert [each.id for each in (await list_endpoints(db, old.id)).items] == []
    (moved,) = (await list_endpoints(db, second.id)).items
    assert (moved.id, moved.url, moved.partner) == (made.id, made.url, second.id)
    assert len(await store.keys(db, second.id, made.id, at=clock.now())) == 1
    for space in (old, first, second):
        told = await store.find_told(db, space.id, made.id)
        assert told is not None
        assert told.partner == second.id
        assert await store.find_told(db, space.id, kept.id) is None
    assert await store.find_told(db, other.id, made.id) is None


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_a_clock_that_is_ahead_keeps_its_distance(steps: list[int]) -> None:
    real = FixedClock(datetime(2026, 3, 2, tzinfo=UTC))
    ahead = ShiftedClock(real, timedelta(days=30))
    for step in steps:
        real.advance(timedelta(microseconds=step))
        assert ahead.now() - real.now() == timedelta(days=30)
