"""What the shelf pages show of the catalogue, in one language: plain values for templates.

What runs, the order and the search are the catalogue's own (`catalog.shelf`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bankside.catalog import AccountFee, Card, Product, Shelf
from bankside.console.stock import Goods
from bankside.console.texts import Language, has_text, text
from bankside.kernel.money import Money

# A shelf page shows every match of 222 products today; the limit is for a much longer shelf.
FOUND_MAX = 300


@dataclass(frozen=True, slots=True)
class ShelfPages:
    """The shelf as a reader of one language sees it."""

    goods: Goods
    lang: Language

    @property
    def shelf(self) -> Shelf:
        """The cards as they stand now."""
        return self.goods.shelf

    def figures(self) -> dict[str, int]:
        """The headline numbers of the start page."""
        cards = self.shelf.cards
        return {
            "categories": len(self.shelf.categories),
            "products": len(cards),
            "available": sum(card.state != "not_built" for card in cards),
            "operations": sum(len(card.product.operations) for card in cards),
        }

    def categories(self) -> list[dict[str, Any]]:
        """The 18 shelves with how many of their products run."""
        shelves = []
        for category in self.shelf.categories.values():
            cards = self.shelf.of(category.id)
            shelves.append(
                {
                    "id": category.id,
                    "name": self._say(category.name),
                    "total": len(cards),
                    "available": sum(card.state != "not_built" for card in cards),
                }
            )
        return shelves

    def of_category(self, category: str) -> list[dict[str, Any]]:
        """The product lines of one shelf, those that run first."""
        return self._lines(self.shelf.of(category))

    def found(self, query: str) -> list[dict[str, Any]]:
        """The product lines that hold every word of the query."""
        return self._lines(self.shelf.search(query))[:FOUND_MAX]

    def product(self, card: Card) -> dict[str, Any]:
        """Everything the product page shows."""
        product = card.product
        category = self.goods.catalogue.categories.get(product.category)
        return {
            **self._line(card),
            "category": {"id": product.category, "name": self._say(category.name)}
            if category
            else None,
            "fee": self._fee(product),
            "limits": self._limits(product),
            "data_class": product.data_class,
            "scopes": sorted(product.consent_scopes),
            "industries": [
                self._say(self.goods.catalogue.industries[c].name) for c in product.industries
            ],
            "steps": [
                {
                    "name": self._say(self.goods.catalogue.primitives[step.use.split(".")[0]].name),
                    "use": step.use,
                    "when": text(self.lang, f"when.{step.when}"),
                    "on_failure": text(self.lang, f"on_failure.{step.on_failure}"),
                }
                for step in product.steps
            ],
            "inputs": product.inputs,
            "operations": [
                {
                    "method": operation.method,
                    "path": operation.path,
                    "purpose": self._purpose(operation.purpose),
                    "icbc_path": operation.icbc_path,
                    "available": operation.id in card.running,
                }
                for operation in product.all_operations
            ],
        }

    def _lines(self, cards: Iterable[Card]) -> list[dict[str, Any]]:
        return [self._line(card) for card in cards]

    def _line(self, card: Card) -> dict[str, Any]:
        product = card.product
        return {
            "id": product.id,
            "name": self._say(product.name),
            "description": self._say(product.description),
            "tier": product.tier,
            "risk_tier": product.risk_tier,
            "state": card.state,
            "notice": self._notice(product.id),
        }

    def _notice(self, product: str) -> dict[str, Any] | None:
        """What a reader is told of a product on its way out, gone or stopped."""
        notice = self.goods.notice(product)
        if notice is None:
            return None
        # A new version of the same product is no other place to go.
        successor = self.goods.cards.get(notice.successor) if notice.successor != product else None
        sunset = notice.sunset.date().isoformat() if notice.sunset else ""
        return {
            "tag": text(self.lang, f"product.{notice.state}"),
            "why": text(self.lang, f"product.{notice.state}.why", sunset=sunset),
            "successor": {
                "id": successor.product.id,
                "name": self._say(successor.product.name),
            }
            if successor
            else None,
        }

    def _fee(self, product: Product) -> str:
        if product.tier == "imported":
            return text(self.lang, "product.set_behind")
        fees = product.fees
        parts: list[str] = []
        if fees is not None and fees.rate_bps:
            payer = text(self.lang, f"payer.{fees.payer}")
            parts.append(text(self.lang, "product.fee.rate", rate=fees.rate_bps, payer=payer))
        if fees is not None and fees.account is not None:
            parts += self._account_fee(fees.account, fees.currency)
        return "".join(parts) or text(self.lang, "product.fee.none")

    def _account_fee(self, fee: AccountFee, currency: str) -> Iterator[str]:
        """What keeping the account costs, and when it is free, a sentence each."""
        amount = _amount(fee.cents, currency)
        period = text(self.lang, f"product.fee.period.{fee.months}")
        yield text(self.lang, "product.fee.account", amount=amount, period=period)
        if fee.free_months:
            yield text(self.lang, "product.fee.account.free", months=fee.free_months)
        if fee.waived_from_cents:
            least = _amount(fee.waived_from_cents, currency)
            yield text(self.lang, "product.fee.account.waived", amount=least)

    def _limits(self, product: Product) -> str:
        if product.tier == "imported":
            return text(self.lang, "product.set_behind")
        if product.limits is None or not product.limits.per_transaction_minor:
            return text(self.lang, "product.limits.none")
        currency = product.fees.currency if product.fees else "CNY"
        return text(
            self.lang,
            "product.limits.value",
            per_transaction=_amount(product.limits.per_transaction_minor, currency),
            per_day=_amount(product.limits.per_day_minor, currency),
        )

    def _purpose(self, purpose: str) -> str:
        """The catalogue's word for what an operation does; ours for one it added itself."""
        key = f"purpose.{purpose}"
        return text(self.lang, key) if has_text(self.lang, key) else purpose

    def _say(self, words: Any) -> str:
        return str(getattr(words, self.lang))


def _amount(minor: int, currency: str) -> str:
    whole, point, fraction = str(Money(minor, currency)).partition(".")
    return f"{currency} {int(whole):,}{point}{fraction}"
