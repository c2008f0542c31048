"""Data spaces of sandbox apps: which app has one of its own, and what time it is there.

Always true: a space is an id of its own in the place of a partner's, so everything that keeps
partners apart keeps spaces apart; an app stands in exactly one; a space's clock is never behind the
bank's and never moves backwards; a live app has neither (docs/decisions/0020).

Public: give_space, renew_space, read_space, list_spaces, home_of, move_clock, moved_clocks, clocks,
clock_of, signatory, announce_load, announced_loads; Space; SpaceUnknown, SpaceExists,
SpacesTooMany, NotASandbox, ClockBackwards.
"""

from bankside.partners.sandboxes.errors import (
    ClockBackwards,
    NotASandbox,
    SpaceExists,
    SpacesTooMany,
    SpaceUnknown,
)
from bankside.partners.sandboxes.model import Space
from bankside.partners.sandboxes.service import (
    announce_load,
    announced_loads,
    clock_of,
    clocks,
    give_space,
    home_of,
    list_spaces,
    move_clock,
    moved_clocks,
    read_space,
    renew_space,
    signatory,
)

__all__ = [
    "ClockBackwards",
    "NotASandbox",
    "Space",
    "SpaceExists",
    "SpaceUnknown",
    "SpacesTooMany",
    "announce_load",
    "announced_loads",
    "clock_of",
    "clocks",
    "give_space",
    "home_of",
    "list_spaces",
    "move_clock",
    "moved_clocks",
    "read_space",
    "renew_space",
    "signatory",
]
