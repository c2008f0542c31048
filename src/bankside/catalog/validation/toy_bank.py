"""Whether a product's steps, run in order, make sense: a bank of one payer on a toy ledger.

Proves that a composition is well-formed (nothing is captured that was not held, nothing is paid out
that was not paid in, every currency sums to zero), not that its business rules are right.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bankside.catalog.model import Catalogue, Product
from bankside.catalog.validation.fault import Fault

_ONE, _PAYER, _PAYEE = 10_000, "cust:payer", "cust:payee"
_START = 10_000_000
# The largest yearly contribution to a private pension account, CNY 12,000.
_PENSION_YEAR_MAX = 1_200_000
# These may not be overdrawn; the others are the bank's own and take both signs.
_WITH_FLOOR = ("cust:", "held", "pending", "batch", "deposit", "pool", "pension")

# An amount in minor units, or the name of a counter: all of it.
Amount = int | str


class Nonsense(Exception):
    """The step cannot run after the steps before it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one primitive operation needs, posts and leaves behind.

    ``needs`` counters must be above zero; ``takes`` are used up; ``gives`` are added; ``legs`` are
    (debit, credit, amount[, currency]) in CNY unless named.
    """

    legs: tuple[tuple[str, str, Amount] | tuple[str, str, Amount, str], ...] = ()
    needs: tuple[str, ...] = ()
    takes: Mapping[str, Amount] = field(default_factory=dict)
    gives: Mapping[str, Amount] = field(default_factory=dict)


def _pay(debit: str, credit: str, amount: Amount = _ONE) -> tuple[tuple[str, str, Amount], ...]:
    return ((debit, credit, amount),)


# Operations that are not here leave no trace on the toy ledger (verify, notify, query ...).
RULES: Mapping[str, Rule] = {
    "account.freeze": Rule(gives={"freeze": 1}),
    "account.unfreeze": Rule(takes={"freeze": 1}),
    "transfer.execute": Rule(_pay(_PAYER, _PAYEE), gives={"transfer": 1}),
    "transfer.out": Rule(_pay(_PAYER, "clearing"), gives={"transfer": 1}),
    "transfer.in": Rule(_pay("clearing", _PAYEE)),
    "transfer.reverse": Rule(_pay(_PAYEE, _PAYER), takes={"transfer": 1}),
    "collect.create": Rule(gives={"order": 1}),
    "collect.confirm": Rule(_pay(_PAYER, "pending"), takes={"order": 1}, gives={"paid": _ONE}),
    "collect.refund": Rule(_pay("pending", _PAYER), takes={"paid": _ONE}),
    "collect.settle": Rule(
        (("pending", _PAYEE, _ONE - 38), ("pending", "income", 38)), takes={"paid": _ONE}
    ),
    "split.register": Rule(gives={"receiver": 1}),
    "split.execute": Rule(
        _pay("pending", "cust:rider", 3_000), needs=("receiver",), takes={"paid": 3_000}
    ),
    "split.return": Rule(_pay("cust:rider", "pending", 1_000), gives={"paid": 1_000}),
    "split.finish": Rule(_pay("pending", _PAYEE, "paid"), takes={"paid": "paid"}),
    "hold.place": Rule(_pay(_PAYER, "held"), gives={"held": _ONE}),
    "hold.capture": Rule(_pay("held", _PAYEE, 7_000), takes={"held": 7_000}),
    "hold.release": Rule(_pay("held", _PAYER, "held"), takes={"held": "held"}),
    "payout.submit": Rule(_pay(_PAYER, "batch"), gives={"batch": 1}),
    "payout.settle": Rule((("batch", _PAYEE, 9_000), ("batch", _PAYER, 1_000)), takes={"batch": 1}),
    "mandate.create": Rule(gives={"mandate": 1}),
    "mandate.debit": Rule(_pay(_PAYER, _PAYEE), needs=("mandate",)),
    "mandate.revoke": Rule(takes={"mandate": 1}),
    "deposit.place": Rule(_pay(_PAYER, "deposit"), gives={"deposit": _ONE}),
    "deposit.accrue": Rule(_pay("interest", "deposit", 25), gives={"deposit": 25}),
    "deposit.redeem": Rule(_pay("deposit", _PAYER, "deposit"), takes={"deposit": "deposit"}),
    "invest.subscribe": Rule(_pay(_PAYER, "pool"), gives={"units": _ONE}),
    "invest.value": Rule(_pay("market", "pool", 30), needs=("units",), gives={"units": 30}),
    "invest.redeem": Rule(_pay("pool", _PAYER, "units"), takes={"units": "units"}),
    "loan.grant": Rule(gives={"limit": _ONE}),
    "loan.draw": Rule(_pay("loan book", _PAYER), takes={"limit": _ONE}, gives={"debt": _ONE}),
    "loan.accrue": Rule(_pay("accrued", "income", 40), needs=("debt",), gives={"interest": 40}),
    "loan.repay": Rule(
        (*_pay(_PAYER, "loan book", "debt"), (_PAYER, "accrued", "interest")),
        needs=("debt",),
        takes={"debt": "debt", "interest": "interest"},
    ),
    "pension.contribute": Rule(_pay(_PAYER, "pension"), gives={"pension": _ONE}),
    "pension.invest": Rule(_pay("pension", "pool"), takes={"pension": _ONE}, gives={"units": _ONE}),
    "pension.redeem": Rule(
        _pay("pool", "pension", "units"), takes={"units": "units"}, gives={"pension": "units"}
    ),
    "pension.payout": Rule(_pay("pension", _PAYER), takes={"pension": _ONE}),
    "fx.quote": Rule(gives={"quote": 1}),
    "fx.convert": Rule(
        ((_PAYER, "position", 7_200), ("position", _PAYER, 1_000, "USD")), takes={"quote": 1}
    ),
    "instrument.issue": Rule(gives={"instrument": 1}),
    "instrument.accept": Rule(needs=("instrument",)),
    "instrument.endorse": Rule(needs=("instrument",)),
    "instrument.discount": Rule(_pay("loan book", _PAYEE, 9_800), needs=("instrument",)),
    "instrument.settle": Rule(_pay(_PAYER, _PAYEE), takes={"instrument": 1}),
    "bill.issue": Rule(gives={"bill": 1}),
    "bill.present": Rule(needs=("bill",)),
    "bill.pay": Rule(_pay(_PAYER, _PAYEE), takes={"bill": 1}),
    "bill.cancel": Rule(takes={"bill": 1}),
    "invoice.issue": Rule(gives={"invoice": 1}),
    "invoice.verify": Rule(needs=("invoice",)),
    "invoice.credit": Rule(needs=("invoice",)),
    "ticket.issue": Rule(gives={"ticket": 1}),
    "ticket.redeem": Rule(takes={"ticket": 1}),
    "ticket.refund": Rule(takes={"ticket": 1}),
}
# A leg of nothing is no leg: a loan repaid before interest accrued has none for interest.
_MAY_BE_NOTHING = frozenset({"interest"})


class ToyBank:
    """Double entry per currency, and counters of what is open."""

    def __init__(self) -> None:
        self.balances: dict[tuple[str, str], int] = defaultdict(int)
        self.open: dict[str, int] = defaultdict(int)
        self.postings = 0
        for customer in (_PAYER, _PAYEE):
            self.balances[customer, "CNY"] = _START
        self.balances["equity", "CNY"] = -2 * _START

    def run(self, use: str) -> None:
        """Carry out one step; raises Nonsense and leaves the bank unusable when it cannot."""
        rule = RULES.get(use)
        if rule is None:
            return
        for counter in rule.needs:
            if not self.open[counter]:
                raise Nonsense(f"{use} needs {counter}")
        before = dict(self.open)
        taken = {counter: self._amount(amount, before) for counter, amount in rule.takes.items()}
        for counter, taking in taken.items():
            if self.open[counter] < taking or (taking == 0 and counter not in _MAY_BE_NOTHING):
                raise Nonsense(f"{use} needs {counter}")
            self.open[counter] -= taking
        for leg in rule.legs:
            self._post(use, leg[0], leg[1], self._amount(leg[2], before), *leg[3:])
        for counter, amount in rule.gives.items():
            self.open[counter] += self._amount(amount, before)
        if self.open["pension"] > _PENSION_YEAR_MAX:
            raise Nonsense("above the yearly cap of pension contributions")

    def sums(self) -> dict[str, int]:
        """The sum over all accounts, by currency: zero when the books balance."""
        totals: dict[str, int] = defaultdict(int)
        for (_, currency), balance in self.balances.items():
            totals[currency] += balance
        return totals

    def _amount(self, amount: Amount, counters: Mapping[str, int]) -> int:
        return counters.get(amount, 0) if isinstance(amount, str) else amount

    def _post(self, use: str, debit: str, credit: str, amount: int, currency: str = "CNY") -> None:
        if amount == 0:
            return
        if debit.startswith("cust:") and self.open["freeze"]:
            raise Nonsense(f"{use} debits a frozen account")
        if debit.startswith(_WITH_FLOOR) and self.balances[debit, currency] < amount:
            raise Nonsense(f"{use} overdraws {debit}")
        self.balances[debit, currency] -= amount
        self.balances[credit, currency] += amount
        self.postings += 1


def toy_bank_faults(catalogue: Catalogue, files: dict[str, str]) -> Iterator[Fault]:
    """Products whose steps cannot run one after another; ``files`` is product id -> file name."""
    for product in catalogue.products.values():
        bank = ToyBank()
        try:
            run_product(bank, product)
        except Nonsense as nonsense:
            yield Fault(files[product.id], product.id, str(nonsense))
        for currency, total in bank.sums().items():
            if total:
                yield Fault(files[product.id], product.id, f"books are off by {total} {currency}")


def run_product(bank: ToyBank, product: Product) -> None:
    """All steps of a product, in order."""
    for step in product.steps:
        bank.run(step.use)
