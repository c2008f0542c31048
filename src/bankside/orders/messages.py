"""Message templates in both languages, and the channel that carries them.

A channel is a port: it says of every delivery whether it was simulated. The sandbox's carries
nothing out of the house.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

_VARIABLE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """One text in both languages; ``{name}`` stands for a variable."""

    zh: str
    en: str

    @property
    def variables(self) -> frozenset[str]:
        """The names a message has to fill in."""
        return frozenset(_VARIABLE.findall(self.zh + self.en))

    def filled(self, variables: Mapping[str, str]) -> tuple[str, str]:
        """Both texts with their variables; one that is not given stays as it stands."""

        def value(match: re.Match[str]) -> str:
            return variables.get(match[1], match[0])

        return _VARIABLE.sub(value, self.zh), _VARIABLE.sub(value, self.en)


TEMPLATES: Mapping[str, Template] = {
    "payment-due": Template("您有一笔{amount}的账单将于{date}到期。", "{amount} is due on {date}."),
    "payment-received": Template("您已收到{amount}。", "You have received {amount}."),
    "salary-paid": Template(
        "{period}工资{amount}已发放。", "Your pay of {amount} for {period} is in."
    ),
    "payslip": Template(
        "{period}工资单：应发{gross}，实发{net}。", "Payslip {period}: gross {gross}, net {net}."
    ),
    "maturity": Template("您的{product}将于{date}到期。", "Your {product} matures on {date}."),
    "greeting": Template("{text}", "{text}"),
    "notice": Template("{text}", "{text}"),
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one message."""

    state: str
    simulated: bool


class Channel(Protocol):
    """Carries messages to people."""

    real: bool

    async def send(self, party: str, zh: str, en: str) -> Delivery:
        """Hand the message over; it is delivered later, or not."""
        ...


class SandboxChannel:
    """Carries nothing: every delivery says that it is simulated."""

    real = False

    async def send(self, party: str, zh: str, en: str) -> Delivery:
        """A party whose id ends in ``0000`` cannot be reached: a documented magic value."""
        state = "failed" if party.endswith("0000") else "delivered"
        return Delivery(state, simulated=True)
