"""Which conditions a move of a product version meets. Pure: facts in, gates out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bankside.catalog.lifecycle.errors import TermsInvalid
from bankside.catalog.lifecycle.evidence import PROVEN, SHADOW, VOUCHED, VOUCHERS, CheckState
from bankside.catalog.lifecycle.gate import Gate, Reason, gate
from bankside.catalog.lifecycle.judge import Judgement
from bankside.catalog.lifecycle.model import (
    NOTICE_DAYS_MAX,
    QUIET_DAYS,
    SHARE_MAX,
    TRIAL,
    ProductVersion,
    State,
    Terms,
)

PILOTS_MAX = 1_000
# A canary is widened over these shares of all partners, in basis points.
SHARES = (0, 100, 500, 2_000, 5_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the gates of one move ask about; what a move does not ask stays empty.

    ``others`` are the other versions of the product. ``tried`` maps the operations that run to
    (calls answered well, calls failed) of this version in the sandbox; ``callers`` are partners who
    called this version in the last ``QUIET_DAYS`` days, ``subscribed`` those who may. ``replaced``:
    another live version answers every route of this one. ``proven``: how each check that the
    platform runs stands for the version's content; ``vouched``: who vouches for what of it.
    """

    now: datetime
    others: Sequence[ProductVersion] = ()
    faults: Sequence[str] = ()
    traits: tuple[str, ...] = ()
    moves_money: bool = False
    proven: Mapping[str, CheckState] = field(default_factory=dict)
    vouched: Mapping[str, frozenset[str]] = field(default_factory=dict)
    tried: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    judgement: Judgement | None = None
    partners: frozenset[str] = frozenset()
    successors: frozenset[str] = frozenset()
    subscribed: frozenset[str] = frozenset()
    callers: Mapping[str, int] = field(default_factory=dict)
    waived: frozenset[str] = frozenset()
    in_flight: int = 0
    replaced: bool = False


def gates(version: ProductVersion, to: State, terms: Terms, facts: Facts) -> list[Gate]:
    """The conditions of this move; nothing stands in its way when each of them is met."""
    state = version.state
    if (state, to) == (State.DRAFT, State.REVIEW):
        return [gate("definition", *(Reason("fault", (each,)) for each in facts.faults[:5]))]
    if (state, to) == (State.REVIEW, State.SANDBOX):
        return [_confirmed(terms, facts), _alone(facts)]
    if (state, to) in {(State.SANDBOX, State.CANARY), (State.CANARY, State.CANARY)}:
        asked = [_tried(facts), _proven(facts), _vouched(version, facts, VOUCHED)]
        first = asked if state is State.SANDBOX else []
        wider = [_judged(facts), _widened(version, terms)] if state is State.CANARY else []
        return [*first, *wider, _pilots(terms, facts)]
    if (state, to) == (State.CANARY, State.LIVE):
        shadow = [_vouched(version, facts, (SHADOW,))] if facts.moves_money else []
        return [_judged(facts), *shadow]
    if (state, to) == (State.LIVE, State.DEPRECATED):
        return [_successor(version, terms, facts)]
    if (state, to) == (State.DEPRECATED, State.LIVE):
        return [_only_live(facts)]
    if (state, to) == (State.DEPRECATED, State.OFFLINE):
        ended = [] if facts.replaced else [_over(version, facts), _quiet(facts)]
        return [*ended, _nothing_in_flight(facts)]
    return []


def checked(terms: Terms) -> Terms:
    """The terms in their plain form. Raises TermsInvalid."""
    if not 0 <= terms.share <= SHARE_MAX:
        raise TermsInvalid(f"a share is 0 to {SHARE_MAX} basis points")
    if not 1 <= terms.notice_days <= NOTICE_DAYS_MAX:
        raise TermsInvalid(f"notice is given 1 to {NOTICE_DAYS_MAX} days before")
    if len(terms.pilots) > PILOTS_MAX:
        raise TermsInvalid(f"at most {PILOTS_MAX} partners are named")
    return replace(terms, pilots=tuple(sorted(set(terms.pilots))))


def plain(text: str, longest: int) -> str:
    """One printable line without blanks around it. Raises TermsInvalid."""
    line = text.strip()
    if len(line) > longest or not line.isprintable():
        raise TermsInvalid(f"a text of at most {longest} printable characters")
    return line


def after(version: ProductVersion, to: State, terms: Terms, at: datetime) -> ProductVersion:
    """The version once it has moved."""
    moved = replace(version, state=to, revision=version.revision + 1, changed_at=at)
    if to in TRIAL:
        return replace(moved, pilots=terms.pilots, share=terms.share if to is State.CANARY else 0)
    if to is State.DEPRECATED:
        sunset = at + timedelta(days=terms.notice_days)
        return replace(moved, successor=terms.successor, deprecated_at=at, sunset_at=sunset)
    if to is State.LIVE:
        return replace(
            moved,
            pilots=(),
            share=0,
            successor="",
            deprecated_at=None,
            sunset_at=None,
        )
    return replace(moved, offline_at=at) if to is State.OFFLINE else moved


def _confirmed(terms: Terms, facts: Facts) -> Gate:
    given = {each.strip() for each in terms.confirmed}
    missing = given != set(facts.traits)
    return gate("confirmed", *([Reason("unconfirmed", (facts.traits,))] if missing else []))


def _alone(facts: Facts) -> Gate:
    trial = [str(each.version) for each in facts.others if each.state in TRIAL]
    return gate("alone", *(Reason("on-trial", (each,)) for each in trial[:1]))


def _tried(facts: Facts) -> Gate:
    missing = tuple(name for name, (well, _) in facts.tried.items() if not well)
    failed = tuple(name for name, (_, wrong) in facts.tried.items() if wrong)
    found = (("untried", missing), ("failed", failed))
    return gate("tried", *(Reason(name, (which,)) for name, which in found if which))


def _proven(facts: Facts) -> Gate:
    """Each check has run on this content, and nothing was found the last time."""
    stands = {each: facts.proven.get(each, "unproven") for each in PROVEN}
    found = []
    for how in ("unproven", "outdated", "disproven"):
        named = tuple(each for each in PROVEN if stands[each] == how)
        found += [Reason(how, (named,))] if named else []
    return gate("proven", *found)


def _vouched(version: ProductVersion, facts: Facts, what: Sequence[str]) -> Gate:
    """Different people put their names to each; who wrote the version is none of them."""

    def named(check: str) -> frozenset[str]:
        return facts.vouched.get(check, frozenset()) - {version.author}

    missing = tuple(each for each in what if len(named(each)) < VOUCHERS)
    return gate("vouched", *([Reason("unvouched", (str(VOUCHERS), missing))] if missing else []))


def _pilots(terms: Terms, facts: Facts) -> Gate:
    unknown = tuple(each for each in terms.pilots if each not in facts.partners)
    if unknown:
        return gate("pilots", Reason("no-partner", (unknown,)))
    return gate("pilots", *([] if terms.pilots else [Reason("no-pilots")]))


def _widened(version: ProductVersion, terms: Terms) -> Gate:
    known = terms.share in SHARES and terms.share >= version.share
    return gate("widened", *([] if known else [Reason("share", (tuple(map(str, SHARES)),))]))


def _judged(facts: Facts) -> Gate:
    judgement = facts.judgement
    if judgement is None:
        return Gate(name="judged", met=False)
    return Gate(
        name="judged",
        met=judgement.verdict == "pass",
        detail=f"{judgement.verdict}: {judgement.why}",
        reasons=(judgement.reason,),
    )


def _successor(version: ProductVersion, terms: Terms, facts: Facts) -> Gate:
    met = not terms.successor or (
        terms.successor in facts.successors and terms.successor != version.product
    )
    return gate("successor", *([] if met else [Reason("no-successor", (terms.successor,))]))


def _only_live(facts: Facts) -> Gate:
    live = [str(each.version) for each in facts.others if each.state is State.LIVE]
    return gate("only-live", *(Reason("live-already", (each,)) for each in live[:1]))


def _over(version: ProductVersion, facts: Facts) -> Gate:
    assert version.sunset_at is not None, "a deprecated version has its day"
    met = version.sunset_at <= facts.now or not _unwaived(facts)
    until = version.sunset_at.date().isoformat()
    return gate("notice", *([] if met else [Reason("noticed", (until,))]))


def _quiet(facts: Facts) -> Gate:
    calling = {
        partner: calls
        for partner, calls in facts.callers.items()
        if calls and partner not in facts.waived
    }
    said = (str(QUIET_DAYS), tuple(f"{each} ({calling[each]})" for each in sorted(calling)))
    return gate("quiet", *([Reason("called", said)] if calling else []))


def _nothing_in_flight(facts: Facts) -> Gate:
    count = facts.in_flight
    return gate("in-flight", *([Reason("running", (str(count),))] if count else []))


def _unwaived(facts: Facts) -> frozenset[str]:
    """Partners whom it touches and who have not agreed to an earlier end."""
    return (facts.subscribed | facts.callers.keys()) - facts.waived
