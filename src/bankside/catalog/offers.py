"""Which version of a product one caller meets, outside the edge: for assemblies, shelves, pages."""

from dataclasses import dataclass

from bankside.catalog import lifecycle
from bankside.catalog.lifecycle import STANDING, TRIAL, State
from bankside.catalog.model import Catalogue
from bankside.catalog.standing import Edition, Standing, standing_of
from bankside.kernel.db import Connection
from bankside.kernel.snapshot import Stage


@dataclass(frozen=True, slots=True)
class Offer:
    """What a caller meets; ``state`` None: there is no such product for it."""

    state: State | None
    version: int = 0
    suspended: bool = False

    @property
    def callable(self) -> bool:
        """Whether calls are carried out: it stands or is on trial for this caller, and runs."""
        return self.state in STANDING | TRIAL and not self.suspended


NO_OFFER = Offer(None)


@dataclass(frozen=True, slots=True)
class Offers:
    """All products as of one instant."""

    shipped: Catalogue
    standing: Standing

    def of(self, product: str, *, partner: str, environment: str) -> Offer:
        """What this partner's apps of this environment meet of a product."""
        stopped = product in self.standing.suspended
        editions = self.standing.editions.get(product)
        if editions is None:
            known = product in self.shipped.products
            return Offer(State.LIVE, 1, stopped) if known else NO_OFFER
        for states in (TRIAL, {State.LIVE}, {State.DEPRECATED}, {State.OFFLINE}):
            for each in editions:
                if each.version.state in states and _is_met(each, partner, environment):
                    return Offer(each.version.state, each.version.version, stopped)
        return NO_OFFER


async def offers(db: Connection, shipped: Catalogue) -> Offers:
    """What is offered to whom, as of this transaction."""
    versions, stopped = await lifecycle.versions(db), await lifecycle.suspensions(db)
    return Offers(shipped, standing_of(shipped, versions, stopped))


def _is_met(edition: Edition, partner: str, environment: str) -> bool:
    version = edition.version
    if version.state not in TRIAL:
        return True
    stage = Stage(
        "canary" if version.state is State.CANARY else "sandbox",
        partners=frozenset(version.pilots),
        share=version.share,
    )
    return stage.is_trial_for(f"{version.product}:{version.version}", partner, environment)
