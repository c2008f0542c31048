"""What an exchange of currencies is for, by its code in the balance of payments."""

from collections.abc import Mapping
from datetime import date

from bankside.orders.conditions.condition import Condition, Form, refusing
from bankside.orders.errors_core import ExchangeEvidenceMissing

# SAFE notice 2014-21, classification and codes of cross-border transactions, by first digit:
# capital account, direct, portfolio and other investment. Goods to transfers (1 to 4) are current.
_CAPITAL = frozenset("5678")


def spot_exchange(form: Form, _today: date) -> None:
    """Capital items are exchanged on a paper: State Council decree 532, articles 21 and 22."""
    if form.get("transaction_code", "1")[0] in _CAPITAL and "evidence_no" not in form:
        detail = "a capital item is exchanged on the paper that allows it"
        raise refusing(ExchangeEvidenceMissing, "evidence_no", detail)


CONDITIONS: Mapping[str, Condition] = {"forex.spot-exchanges.create": spot_exchange}
