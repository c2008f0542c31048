"""Contributions to pensions."""

from collections.abc import Mapping
from datetime import date

from bankside.orders.conditions.condition import Condition, Form, refusing
from bankside.orders.errors_core import TaxYearRefused


def contribution(form: Form, today: date) -> None:
    """What is paid in counts for the year it is paid in (MOHRSS notice 2022-70)."""
    if form.get("tax_year", today.year) != today.year:
        raise refusing(TaxYearRefused, "tax_year", f"contributions of today count for {today.year}")


CONDITIONS: Mapping[str, Condition] = {"pension.pension-contributions.create": contribution}
