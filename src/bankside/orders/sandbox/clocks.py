"""By whose clock an order is worked on: the desk of a data space.

A call brings its offset along; what works without a call asks the database here.
"""

from bankside.kernel.clock import ShiftedClock
from bankside.kernel.ids import is_space
from bankside.orders.desk import Desk
from bankside.partners import clock_of


async def in_space(desk: Desk, partner: str) -> Desk:
    """The desk by the clock of a data space, for work that no call asks for."""
    if desk.ahead or not is_space(partner):
        return desk
    async with desk.reading() as db:
        clock = await clock_of(db, desk.real, partner)
    return desk.moved(clock.ahead) if isinstance(clock, ShiftedClock) else desk
