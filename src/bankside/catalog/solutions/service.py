"""Solutions of the definitions and installed ones together: found, listed, checked, installed.

Always true: nothing is installed that could not run for whom it is installed; what was installed
runs from then on, in every process, without a restart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from bankside.catalog.errors import SolutionBroken, SolutionTaken, SolutionUnknown
from bankside.catalog.loading import DEFINITIONS, documents
from bankside.catalog.model import Catalogue
from bankside.catalog.solution_definitions import Solution, solution
from bankside.catalog.solutions import store
from bankside.catalog.solutions.assembly import Asker, broken
from bankside.catalog.solutions.links import Broken
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection

# For every partner: what the bank itself installs.
BANK = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """A solution, and whose it is: ``BANK``, a partner, or None for one of the definitions."""

    solution: Solution
    partner: str | None
    version: int


def read(definition: Mapping[str, Any]) -> Solution | list[Broken]:
    """The solution that a document defines, or the faults of its shape."""
    faults = [
        Broken("/" + "/".join(str(part) for part in error.absolute_path), "shape", error.message)
        for error in _shape().iter_errors(definition)
    ]
    return sorted(faults, key=lambda each: each.pointer) if faults else solution(definition)


def check(definition: Mapping[str, Any], catalogue: Catalogue, asker: Asker) -> list[Broken]:
    """Everything that keeps the document from running; empty: it can."""
    found = read(definition)
    if isinstance(found, list):
        return found
    return broken(found, catalogue, asker)


# tidy: arguments - for whom, by whom it can run, and what
async def install(
    db: Connection,
    clock: Clock,
    catalogue: Catalogue,
    asker: Asker,
    definition: Mapping[str, Any],
    *,
    partner: str = BANK,
) -> int:
    """The solution can be run from now on; its version. Raises SolutionTaken, SolutionBroken."""
    if definition.get("id") in catalogue.solutions:
        raise SolutionTaken(f"{definition['id']} is a solution of the catalogue")
    faults = check(definition, catalogue, asker)
    if faults:
        raise SolutionBroken(
            str(faults[0]),
            errors=[
                {"pointer": each.pointer, "code": each.code, "detail": each.detail}
                for each in faults
            ],
        )
    return await store.insert(db, partner, definition, clock.now())


async def withdraw(db: Connection, clock: Clock, solution_id: str, *, partner: str = BANK) -> None:
    """The installed solution begins no run any more; runs that began go on. Raises SolutionUnknown.

    One that is installed again afterwards is a newer version.
    """
    if not await store.withdraw(db, partner, solution_id, clock.now()):
        raise SolutionUnknown(f"no solution {solution_id} was installed")


async def find(
    db: Connection, catalogue: Catalogue, partner: str, solution_id: str
) -> Solution | None:
    """The solution that a partner may run under this id."""
    shipped = catalogue.solutions.get(solution_id)
    if shipped is not None:
        return shipped
    found = await store.newest(db, partner, solution_id)
    return solution(found) if found else None


async def offered(db: Connection, catalogue: Catalogue, partner: str | None) -> list[Offered]:
    """Every solution a partner may run (None: all there are), those of the definitions first."""
    shipped = [Offered(each, None, 1) for each in catalogue.solutions.values()]
    own = {
        (whose, definition["id"]): Offered(solution(definition), whose, version)
        for whose, version, definition in await store.every(db, partner)
    }
    # A partner's own stands before the bank's of the same name.
    hidden = {BANK} if partner else set()
    return shipped + [
        each
        for (whose, name), each in own.items()
        if not (whose in hidden and (partner, name) in own)
    ]


@cache
def _shape() -> Draft202012Validator:
    schemas = documents(DEFINITIONS)["schemas"]
    return Draft202012Validator({"$defs": schemas["$defs"], "$ref": "#/$defs/solution"})
