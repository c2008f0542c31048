"""What the shelf pages show of the catalogue, in one language: plain values for templates."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bankside.catalog import Catalogue, Product, ProductOperation
from bankside.console.texts import Language, has_text, text
from bankside.kernel.money import Money

Runnable = Callable[[Product, ProductOperation], bool]

# A shelf page shows every match of 222 products today; the limit is for a much longer shelf.
FOUND_MAX = 300


@dataclass(frozen=True, slots=True)
class Shelf:
    """The catalogue as a reader of one language sees it."""

    catalogue: Catalogue
    runnable: Runnable
    lang: Language

    def figures(self) -> dict[str, int]:
        """The headline numbers of the start page."""
        products = self.catalogue.products.values()
        return {
            "categories": len(self.catalogue.categories),
            "products": len(self.catalogue.products),
            "available": sum(self.state(product) != "not_built" for product in products),
            "operations": sum(len(product.operations) for product in products),
        }

    def categories(self) -> list[dict[str, Any]]:
        """The 18 shelves with how many of their products run."""
        shelves = []
        for category in sorted(self.catalogue.categories.values(), key=lambda each: each.order):
            products = [p for p in self.catalogue.products.values() if p.category == category.id]
            shelves.append(
                {
                    "id": category.id,
                    "name": self._say(category.name),
                    "total": len(products),
                    "available": sum(self.state(product) != "not_built" for product in products),
                }
            )
        return shelves

    def of_category(self, category: str) -> list[dict[str, Any]]:
        """The product lines of one shelf, those that run first."""
        return self._lines(p for p in self.catalogue.products.values() if p.category == category)

    def found(self, query: str) -> list[dict[str, Any]]:
        """Products whose names, descriptions, id or paths hold every word of the query."""
        words = query.casefold().split()
        return self._lines(
            product
            for product in self.catalogue.products.values()
            if words and all(word in _haystack(product) for word in words)
        )[:FOUND_MAX]

    def product(self, product: Product) -> dict[str, Any]:
        """Everything the product page shows."""
        category = self.catalogue.categories[product.category]
        return {
            **self._line(product),
            "category": {"id": category.id, "name": self._say(category.name)},
            "fee": self._fee(product),
            "limits": self._limits(product),
            "data_class": product.data_class,
            "scopes": sorted(product.consent_scopes),
            "industries": [
                self._say(self.catalogue.industries[c].name) for c in product.industries
            ],
            "steps": [
                {
                    "name": self._say(self.catalogue.primitives[step.use.split(".")[0]].name),
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
                    "available": self.runnable(product, operation),
                }
                for operation in product.all_operations
            ],
        }

    def state(self, product: Product) -> str:
        """``ready`` when every operation runs, ``partly`` when some do, else ``not_built``."""
        runs = [self.runnable(product, operation) for operation in product.all_operations]
        return "ready" if all(runs) else "partly" if any(runs) else "not_built"

    def _lines(self, products: Iterable[Product]) -> list[dict[str, Any]]:
        rank = {"ready": 0, "partly": 1, "not_built": 2}
        lines = [self._line(product) for product in products]
        return sorted(lines, key=lambda line: (rank[line["state"]], line["tier"] != "core"))

    def _line(self, product: Product) -> dict[str, Any]:
        return {
            "id": product.id,
            "name": self._say(product.name),
            "description": self._say(product.description),
            "tier": product.tier,
            "risk_tier": product.risk_tier,
            "state": self.state(product),
        }

    def _fee(self, product: Product) -> str:
        if product.fees is None or product.fees.rate_bps == 0:
            return text(self.lang, "product.fee.none")
        payer = text(self.lang, f"payer.{product.fees.payer}")
        return text(self.lang, "product.fee.rate", rate=product.fees.rate_bps, payer=payer)

    def _limits(self, product: Product) -> str:
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


def _haystack(product: Product) -> str:
    paths = " ".join(operation.path for operation in product.all_operations)
    parts = (product.id, product.name.zh, product.name.en, product.description.zh)
    return " ".join((*parts, product.description.en, paths)).casefold()


def _amount(minor: int, currency: str) -> str:
    whole, point, fraction = str(Money(minor, currency)).partition(".")
    return f"{currency} {int(whole):,}{point}{fraction}"
