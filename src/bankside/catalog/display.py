"""What the public is shown: the shelf and the documents, as the products stand now.

Always true: on the public shelf stands what anybody may meet, live or on its way out; what is on
trial has a document of its own and no card; what is gone is told as gone, with its successor.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bankside.catalog.apis.forwarded import with_forwards
from bankside.catalog.imports import upstreams_of
from bankside.catalog.imports.definition import SERVING
from bankside.catalog.lifecycle import State
from bankside.catalog.model import Catalogue, Product
from bankside.catalog.publication import standing_now
from bankside.catalog.standing import NOTHING_STORED, Edition, Standing
from bankside.kernel.db import Connection
from bankside.kernel.snapshot import Upstream

Document = dict[str, Any]
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class Notice:
    """What a reader has to know of a product that does not simply run."""

    state: Literal["deprecated", "offline", "suspended"]
    sunset: datetime | None = None
    successor: str = ""


@dataclass(frozen=True, slots=True)
class Display:
    """All products as of one instant; ``upstreams`` are what forwarded ones are served by."""

    standing: Standing = NOTHING_STORED
    upstreams: Mapping[str, Upstream] = field(default_factory=dict)

    @property
    def marks(self) -> object:
        """Equal for two displays that show the same."""
        versions = [
            (each.version.product, each.version.version, each.version.state, each.version.revision)
            for editions in self.standing.editions.values()
            for each in editions
        ]
        return tuple(versions), self.standing.suspended

    def public(self, shipped: Catalogue) -> Catalogue:
        """The catalogue of what stands for everybody."""
        return self.standing.catalogue(shipped, trials=False)

    def notice(self, product: str) -> Notice | None:
        """What to tell of a product; None when there is nothing to tell."""
        stands = self._newest(product, State.LIVE) or self._newest(product, State.DEPRECATED)
        if product in self.standing.suspended:
            return Notice("suspended")
        if stands is not None:
            return _ending(stands) if stands.version.state is State.DEPRECATED else None
        gone = self._newest(product, State.OFFLINE)
        return _ending(gone) if gone is not None else None

    def gone(self, product: str) -> Product | None:
        """A withdrawn product as its last version was."""
        found = self._newest(product, State.OFFLINE)
        return found.product if found is not None else None

    def told(self, document: Document) -> Document:
        """A document of the catalogue, with notices and with what services behind take."""
        made = with_forwards(document, self.upstreams.values())
        paths = {
            path: {
                name: self._noted(node) if name in _METHODS else node for name, node in item.items()
            }
            for path, item in made["paths"].items()
        }
        return {**made, "paths": paths}

    def _noted(self, node: Document) -> Document:
        notice = self.notice(str(node.get("x-bankside-product", "")))
        if notice is None:
            return node
        made = {**node, "x-bankside-state": notice.state}
        if notice.state != "suspended":
            made["deprecated"] = True
        if notice.sunset is not None:
            made["x-bankside-sunset"] = notice.sunset.date().isoformat()
        if notice.successor:
            made["x-bankside-successor"] = notice.successor
        return made

    def _newest(self, product: str, state: State) -> Edition | None:
        editions = self.standing.editions.get(product, ())
        return next((each for each in editions if each.version.state is state), None)


async def display(db: Connection, shipped: Catalogue) -> Display:
    """What is shown as of this transaction."""
    standing = await standing_now(db, shipped)
    ids = {
        str((met.version.definition or {}).get(SERVING, ""))
        for met in map(standing.met, standing.editions)
        if met is not None
    }
    return Display(standing, await upstreams_of(db, ids))


def _ending(edition: Edition) -> Notice:
    version = edition.version
    state: Literal["deprecated", "offline"] = (
        "deprecated" if version.state is State.DEPRECATED else "offline"
    )
    return Notice(state, version.sunset_at, version.successor)
