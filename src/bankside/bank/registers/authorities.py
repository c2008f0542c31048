"""The port to authorities outside the bank, and the sandbox's adapter that acts them.

An authority answers one question at a time and changes nothing; a silent one is asked again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class AuthoritySilent(Exception):
    """The authority did not answer; nothing is known."""


@dataclass(frozen=True, slots=True)
class Question:
    """``subject`` names the register: identity, business, card, document, face, device.

    ``number`` is what is asked about; ``facts`` is what the asker says goes with it.
    """

    subject: str
    number: str = field(repr=False)
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the authority says: whether all agrees, and which of the facts does not."""

    agrees: bool
    reasons: tuple[str, ...] = ()
    source: str = ""
    simulated: bool = False


class Authority(Protocol):
    """Whom the bank asks what it cannot know itself."""

    # Whether its answers count outside the sandbox.
    real: bool

    async def ask(self, question: Question) -> Finding:
        """The authority's answer. Raises AuthoritySilent."""
        ...


class SandboxAuthority:
    """Answers by the number's last digits, so that a test can choose: documented magic values.

    ``...0000`` does not exist, ``...1111`` exists and does not agree, ``...9999`` gets no answer;
    every other number agrees. Every answer says that it is simulated.
    """

    real = False

    async def ask(self, question: Question) -> Finding:
        """See the class. Raises AuthoritySilent."""
        ending = question.number[-4:]
        if ending == "9999":
            raise AuthoritySilent
        if ending == "0000":
            return Finding(False, ("number.unknown",), "sandbox", simulated=True)
        if ending == "1111":
            return Finding(False, ("facts.different",), "sandbox", simulated=True)
        return Finding(True, (), "sandbox", simulated=True)
