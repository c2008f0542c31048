"""Solutions: products put together by data, and the check that such an assembly can run.

Always true: a solution that the check found nothing wrong with begins whenever somebody who may
call its products gives it values of the right kind; the language of its links (``values``,
``conditions``) names places and compares them, and computes nothing else.

Public: broken, closed, Broken, Asker, needed; check, install, withdraw, find, offered, Offered,
BANK; Path, Missing, parse, resolve; comparison, holds. The values themselves (Solution,
SolutionStep ...) are the catalogue's.
"""

from bankside.catalog.solutions.assembly import Asker, broken, closed, needed
from bankside.catalog.solutions.conditions import comparison, holds
from bankside.catalog.solutions.links import Broken
from bankside.catalog.solutions.service import (
    BANK,
    Offered,
    check,
    find,
    install,
    offered,
    withdraw,
)
from bankside.catalog.solutions.values import Missing, Path, Value, parse, paths, resolve

__all__ = [
    "BANK",
    "Asker",
    "Broken",
    "Missing",
    "Offered",
    "Path",
    "Value",
    "broken",
    "check",
    "closed",
    "comparison",
    "find",
    "holds",
    "install",
    "needed",
    "offered",
    "parse",
    "paths",
    "resolve",
    "withdraw",
]
