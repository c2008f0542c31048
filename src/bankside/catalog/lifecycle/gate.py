"""A condition of a move, and what stands in its way: by name for pages, in English for the rest."""

from collections.abc import Mapping
from dataclasses import dataclass

# What each reason says, by its stable name; the pages have a sentence of their own in each language
# (`studio.why.<name>`), with the same places for the same facts.
SAID: Mapping[str, str] = {
    "fault": "{0}",
    "unconfirmed": "the reviewer confirms {0}",
    "on-trial": "version {0} is on trial",
    "untried": "never answered in the sandbox: {0}",
    "failed": "failed in the sandbox: {0}",
    "unproven": "not run on this version: {0}",
    "outdated": "run on another content of this version: {0}",
    "disproven": "found something the last time: {0}",
    "unvouched": "{0} people, none of them its author, vouch for {1}",
    "no-partner": "no partner {0}",
    "no-pilots": "name some",
    "share": "a share is one of {0} basis points, and grows",
    "few-calls": "{0} of {1} calls that the judge needs",
    "few-stable-calls": "{0} of {1} calls of the stable version",
    "failed-alone": "{0} of {1} calls failed",
    "failed-more": "{0}/{1} against {2}/{3} failed",
    "slower": "calls take more than a tenth longer",
    "alike": "errors p = {0}, latency p = {1}",
    "no-successor": "{0} is no other live product",
    "live-already": "version {0} is live",
    "noticed": "notice until {0}",
    "called": "called in the last {0} days by {1}",
    "running": "{0} orders",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands in the way: its stable name, and the facts it speaks of."""

    name: str
    facts: tuple[str | tuple[str, ...], ...] = ()

    def __str__(self) -> str:
        """The sentence in English."""
        plain = (each if isinstance(each, str) else ", ".join(each) for each in self.facts)
        return SAID[self.name].format(*plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A condition of a move: whether it is met, and what stands in the way otherwise.

    ``name`` is stable (pages have a text for it), ``reasons`` say what is missing; ``detail`` is
    the same for people, in English.
    """

    name: str
    met: bool
    detail: str = ""
    reasons: tuple[Reason, ...] = ()


def gate(name: str, *reasons: Reason) -> Gate:
    """A condition that is met when nothing stands in its way."""
    return Gate(name=name, met=not reasons, detail="; ".join(map(str, reasons)), reasons=reasons)
