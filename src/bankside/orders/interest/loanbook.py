"""A loan's own account: what was drawn, what falls due when, what was accrued and what was paid.

Pure values; sums in minor units. Conventions: instalments count months as twelfths of a year and a
bullet counts days over 360 (``schedule``); within a period interest accrues in proportion to the
days gone, rounded half-even over the whole period so far; penalty interest runs on overdue
principal at rate plus penalty, ACT/360, its exact sum kept unrounded and rounded once; interest on
overdue interest is not charged. Payments go to penalty, then interest, then principal, oldest
first.
"""

from dataclasses import dataclass, replace
from datetime import date

from bankside.orders.interest.daycount import Basis, half_even, simple
from bankside.orders.interest.schedule import Instalment, Method, schedule

_YEAR_BP = 360 * 10_000
_MONTHS_BP = 12 * 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One line of the schedule of a drawing, and what was paid of it."""

    drawing: int
    no: int
    start: date
    due: date
    principal_minor: int
    interest_minor: int
    principal_paid_minor: int = 0
    interest_paid_minor: int = 0

    @property
    def principal_left(self) -> int:
        """Principal still to be paid."""
        return self.principal_minor - self.principal_paid_minor

    def accrued(self, day: date) -> int:
        """Interest of this line up to a day: all of it at its due date."""
        if day >= self.due:
            return self.interest_minor
        if day <= self.start:
            return 0
        return half_even(
            self.interest_minor * (day - self.start).days, (self.due - self.start).days
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanBook:
    """All drawings of a loan; ``penalty_ticks``: minor units x days x basis points, unrounded."""

    rate_bp: int
    penalty_bp: int
    method: str
    lines: tuple[Due, ...] = ()
    penalty_ticks: int = 0
    penalty_to: date | None = None
    penalty_paid_minor: int = 0
    accrued_minor: int = 0

    @property
    def outstanding(self) -> int:
        """Principal drawn and not repaid."""
        return sum(line.principal_left for line in self.lines)

    @property
    def penalty(self) -> int:
        """Penalty interest so far, paid or not: the one place where it is rounded."""
        return half_even(self.penalty_ticks, _YEAR_BP)

    @property
    def interest_paid(self) -> int:
        """Interest and penalty interest received."""
        return self.penalty_paid_minor + sum(line.interest_paid_minor for line in self.lines)


@dataclass(frozen=True, slots=True)
class Payment:
    """Where an amount went."""

    penalty: int
    interest: int
    principal: int

    @property
    def total(self) -> int:
        """The whole payment."""
        return self.penalty + self.interest + self.principal


def drawn(book: LoanBook, amount: int, months: int, on: date) -> LoanBook:
    """The loan after a drawing, its lines after those that stand."""
    lines = schedule(amount, book.rate_bp, months, on, Method(book.method))
    drawing = 1 + max((line.drawing for line in book.lines), default=0)
    added = tuple(_due(drawing, line) for line in lines)
    return _sorted(replace(book, lines=(*book.lines, *added)))


def accrued(book: LoanBook, day: date) -> LoanBook:
    """The loan with penalty and interest counted up to a day; its growth is what is posted."""
    since = book.penalty_to
    ticks = book.penalty_ticks
    if since is None or day > since:
        for line in book.lines:
            first = max(line.due, since) if since else line.due
            late = (day - first).days
            if late > 0:
                ticks += line.principal_left * late * (book.rate_bp + book.penalty_bp)
    counted = replace(book, penalty_ticks=ticks, penalty_to=max(day, since) if since else day)
    total = counted.penalty + sum(line.accrued(day) for line in counted.lines)
    return replace(counted, accrued_minor=total)


def owed(book: LoanBook, day: date) -> Payment:
    """What is due on a day, today's instalment included. ``book`` is accrued to that day."""
    due = [line for line in book.lines if line.due <= day]
    return Payment(
        penalty=book.penalty - book.penalty_paid_minor,
        interest=sum(line.interest_minor - line.interest_paid_minor for line in due),
        principal=sum(line.principal_left for line in due),
    )


def payoff(book: LoanBook, day: date) -> Payment:
    """What ends the loan on a day: everything due, interest to that day, and all principal."""
    interest = sum(line.accrued(day) - line.interest_paid_minor for line in book.lines)
    return Payment(book.penalty - book.penalty_paid_minor, interest, book.outstanding)


def repaid(book: LoanBook, amount: int, day: date) -> tuple[LoanBook, Payment]:
    """The loan after a payment of at most ``payoff``: first what is due, the rest early.

    ``book`` is accrued to that day. A drawing that is repaid early in part keeps its due dates and
    pays less on each of them.
    """
    assert 0 <= amount <= payoff(book, day).total, "checked before"
    penalty = min(amount, book.penalty - book.penalty_paid_minor)
    left = amount - penalty
    interest = principal = 0
    lines = list(book.lines)
    for place, line in enumerate(lines):
        if line.due > day:
            continue
        to_interest = min(left, line.interest_minor - line.interest_paid_minor)
        to_principal = min(left - to_interest, line.principal_left)
        lines[place] = _paid(line, to_interest, to_principal)
        interest += to_interest
        principal += to_principal
        left -= to_interest + to_principal
    after = replace(book, lines=tuple(lines), penalty_paid_minor=book.penalty_paid_minor + penalty)
    if left:
        after, early = _early(after, left, day)
        interest += early.interest
        principal += early.principal
    return _sorted(after), Payment(penalty, interest, principal)


def _early(book: LoanBook, amount: int, day: date) -> tuple[LoanBook, Payment]:
    """Principal paid before it is due: the current period's interest first, drawing by drawing."""
    lines = list(book.lines)
    interest = principal = 0
    future = [line for line in lines if line.due > day]
    for drawing in sorted({line.drawing for line in future}):
        chain = [line for line in future if line.drawing == drawing]
        current = next((line for line in chain if line.start < day), None)
        to_interest = 0
        if current is not None:
            to_interest = min(amount, current.accrued(day) - current.interest_paid_minor)
        standing = sum(line.principal_left for line in chain)
        to_principal = min(amount - to_interest, standing)
        for line in chain:
            lines.remove(line)
        lines += _rescheduled(book, chain, day, to_interest, to_principal)
        amount -= to_interest + to_principal
        interest += to_interest
        principal += to_principal
        if not amount:
            break
    assert amount == 0, "never more than the pay-off"
    return replace(book, lines=tuple(lines)), Payment(0, interest, principal)


def _rescheduled(
    book: LoanBook, chain: list[Due], day: date, to_interest: int, to_principal: int
) -> list[Due]:
    """A drawing's future lines after early money: what was paid stands, the rest is spread anew."""
    current = chain[0]
    if to_principal == 0:
        return [_paid(current, to_interest, 0), *chain[1:]]
    gone = current.accrued(day) if current.start < day else 0
    standing = sum(line.principal_left for line in chain) - to_principal
    piece = Due(
        drawing=current.drawing,
        no=current.no,
        start=min(current.start, day),
        due=day,
        principal_minor=to_principal + current.principal_paid_minor,
        interest_minor=gone,
        principal_paid_minor=to_principal + current.principal_paid_minor,
        interest_paid_minor=current.interest_paid_minor + to_interest,
    )
    if standing == 0:
        return [piece]
    days, whole = (current.due - day).days, max((current.due - current.start).days, 1)
    share = (days, whole) if current.start < day else (1, 1)
    return [piece, *_spread(book, chain, standing, max(day, current.start), share)]


def _spread(
    book: LoanBook, chain: list[Due], standing: int, start: date, share: tuple[int, int]
) -> list[Due]:
    """``standing`` over the chain's due dates; the first line bears its share of a month."""
    if book.method == Method.BULLET:
        due = chain[-1].due
        interest = simple(standing, book.rate_bp, start, due, Basis.ACT_360)
        return [
            Due(
                drawing=chain[-1].drawing,
                no=chain[-1].no,
                start=start,
                due=due,
                principal_minor=standing,
                interest_minor=interest,
            )
        ]
    anew = schedule(standing, book.rate_bp, len(chain), chain[0].start, Method(book.method))
    lines = []
    for place, (old, new) in enumerate(zip(chain, anew, strict=True)):
        interest = new.interest
        if place == 0:
            full = standing * book.rate_bp * share[0]
            interest = half_even(full, _MONTHS_BP * share[1])
        lines.append(
            Due(
                drawing=old.drawing,
                no=old.no,
                start=start if place == 0 else old.start,
                due=old.due,
                principal_minor=new.principal,
                interest_minor=interest,
            )
        )
    return lines


def _paid(line: Due, interest: int, principal: int) -> Due:
    return replace(
        line,
        interest_paid_minor=line.interest_paid_minor + interest,
        principal_paid_minor=line.principal_paid_minor + principal,
    )


def _due(drawing: int, line: Instalment) -> Due:
    return Due(
        drawing=drawing,
        no=line.no,
        start=line.start,
        due=line.due,
        principal_minor=line.principal,
        interest_minor=line.interest,
    )


def _sorted(book: LoanBook) -> LoanBook:
    return replace(
        book, lines=tuple(sorted(book.lines, key=lambda line: (line.due, line.drawing, line.no)))
    )
