"""The shelf: what is offered, what of it runs, and finding it by a word in either language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bankside.catalog.compiling import Runnable
from bankside.catalog.model import Catalogue, Category, Product

State = Literal["ready", "partly", "not_built"]


@dataclass(frozen=True, slots=True)
class Card:
    """A product on the shelf.

    ``state`` is ``ready`` when every operation runs, ``partly`` when some do, else ``not_built``;
    ``running`` are the ids of those operations. ``maturity`` is core, mapped or simulated.
    """

    product: Product
    state: State
    running: frozenset[str]

    @property
    def maturity(self) -> str:
        """How far the product is worked out."""
        return "simulated" if self.product.simulated else self.product.tier


@dataclass(frozen=True, slots=True)
class Shelf:
    """All cards, in the order of the categories; those that run first within each."""

    categories: Mapping[str, Category]
    cards: tuple[Card, ...]
    _texts: tuple[str, ...]

    def of(self, category: str) -> tuple[Card, ...]:
        """The cards of one category."""
        return tuple(each for each in self.cards if each.product.category == category)

    def search(self, words: str) -> tuple[Card, ...]:
        """Cards whose id, texts in zh and en, scenes or paths hold every word; none for no word."""
        wanted = words.casefold().split()
        return tuple(
            card
            for card, text in zip(self.cards, self._texts, strict=True)
            if wanted and all(word in text for word in wanted)
        )


def shelf(catalogue: Catalogue, runnable: Runnable) -> Shelf:
    """The shelf as of now; build it once and keep it, it never changes."""
    ranks = {"ready": 0, "partly": 1, "not_built": 2}
    cards = sorted(
        (_card(product, runnable) for product in catalogue.products.values()),
        key=lambda card: (
            catalogue.categories[card.product.category].order,
            ranks[card.state],
            card.product.tier != "core",
        ),
    )
    return Shelf(
        categories=dict(sorted(catalogue.categories.items(), key=lambda each: each[1].order)),
        cards=tuple(cards),
        _texts=tuple(_text(catalogue, card.product) for card in cards),
    )


def _card(product: Product, runnable: Runnable) -> Card:
    operations = product.all_operations
    running = frozenset(each.id for each in operations if runnable(product, each))
    state: State = "not_built"
    if running:
        state = "ready" if len(running) == len(operations) else "partly"
    return Card(product, state, running)


def _text(catalogue: Catalogue, product: Product) -> str:
    scenes = [catalogue.scenes[scene].name for scene in product.scenes]
    texts = [product.name, product.description, *scenes]
    words = [product.id, *(each.zh for each in texts), *(each.en for each in texts)]
    words += [operation.path for operation in product.all_operations]
    return "\n".join(words).casefold()
