"""`bankside solution`: assemblies checked, installed, listed and shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bankside.catalog import Catalogue, Solution, load, offers
from bankside.catalog.solutions import (
    BANK,
    Asker,
    Broken,
    broken,
    check,
    find,
    install,
    offered,
    withdraw,
)
from bankside.cli.installation import Installation
from bankside.cli.output import DONE, REFUSED, USAGE, emit, fail, table
from bankside.kernel.db import Connection, transaction
from bankside.kernel.ids import PartnerId
from bankside.partners import list_subscriptions, read_app

# The largest solution of the catalogue has 7 kB.
FILE_BYTES_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Whose:
    """For whom it is asked: nobody in particular, a partner, or one of its apps."""

    partner: str
    app: str


async def check_file(installation: Installation, file: Path, whose: Whose, *, as_json: bool) -> int:
    """Name every broken link of the assembly in the file."""
    definition, catalogue = _read(file), load()
    if not whose.partner:
        faults = check(definition, catalogue, Asker(runnable=installation.runnable))
    else:
        async with installation.pool() as pool, pool.acquire() as db:
            asker = await _asker(db, installation, catalogue, whose)
        faults = check(definition, catalogue, asker)
    _say(faults, str(definition.get("id", file.name)), as_json=as_json)
    return REFUSED if faults else DONE


async def install_file(
    installation: Installation, file: Path, partner: str, *, as_json: bool
) -> int:
    """The assembly can be run from now on. Refused with every broken link named."""
    definition, catalogue = _read(file), load()
    async with installation.pool() as pool, transaction(pool) as db:
        asker = await _asker(db, installation, catalogue, Whose(partner, ""))
        faults = check(definition, catalogue, asker)
        if not faults:
            version = await install(
                db, installation.clock, catalogue, asker, definition, partner=partner or BANK
            )
    if faults:
        _say(faults, str(definition.get("id", file.name)), as_json=as_json)
        return REFUSED
    made = {"solution": definition["id"], "version": version, "partner": partner or None}
    emit(made, as_json=as_json, text=lambda: f"{definition['id']} version {version} can be run")
    return DONE


async def withdraw_it(installation: Installation, name: str, partner: str, *, as_json: bool) -> int:
    """The installed solution begins no run any more."""
    async with installation.pool() as pool, transaction(pool) as db:
        await withdraw(db, installation.clock, name, partner=partner or BANK)
    gone = {"solution": name, "partner": partner or None, "withdrawn": True}
    emit(gone, as_json=as_json, text=lambda: f"{name} begins no run any more")
    return DONE


async def every(installation: Installation, partner: str, *, as_json: bool) -> int:
    """The solutions of the catalogue and the installed ones, with whether they run."""
    catalogue = load()
    asker = Asker(runnable=installation.runnable)
    async with installation.pool() as pool, pool.acquire() as db:
        found = await offered(db, catalogue, partner or None)
    rows = [
        {
            "solution": each.solution.id,
            "of": "catalogue" if each.partner is None else each.partner or "bank",
            "version": each.version,
            "steps": len(each.solution.steps),
            "runs": not broken(each.solution, catalogue, asker),
            "name": each.solution.name.en,
        }
        for each in found
    ]
    columns = ["solution", "of", "version", "steps", "runs", "name"]
    emit(rows, as_json=as_json, text=lambda: table(rows, columns))
    return DONE


async def show(installation: Installation, name: str, partner: str, *, as_json: bool) -> int:
    """Inputs and steps of one solution."""
    async with installation.pool() as pool, pool.acquire() as db:
        found = await find(db, load(), partner, name)
    if found is None:
        fail(f"there is no solution {name}", REFUSED)
    shown = _shown(found)
    emit(shown, as_json=as_json, text=lambda: _told(found, shown))
    return DONE


async def _asker(
    db: Connection, installation: Installation, catalogue: Catalogue, whose: Whose
) -> Asker:
    """What a partner or its app may call; without an app nobody's subscriptions are asked."""
    subscribed, environment = None, "live"
    if whose.app:
        environment = (await read_app(db, PartnerId(whose.partner), whose.app)).environment
        owned = await list_subscriptions(db, PartnerId(whose.partner), whose.app)
        subscribed = frozenset(owned)
    met = await offers(db, catalogue)
    return Asker(
        runnable=installation.runnable,
        offline=frozenset(
            each
            for each in catalogue.products
            if not met.of(each, partner=whose.partner, environment=environment).callable
        ),
        subscribed=subscribed,
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            fail(f"{file} has more than {FILE_BYTES_MAX} bytes", USAGE)
        found = yaml.safe_load(file.read_bytes())
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read as YAML: {error}", USAGE)
    if not isinstance(found, dict):
        fail(f"{file} holds no solution: an object with id, name, inputs, steps ...", USAGE)
    return found


def _say(faults: Sequence[Broken], name: str, *, as_json: bool) -> None:
    told = {
        "solution": name,
        "runs": not faults,
        "faults": [
            {"pointer": each.pointer, "code": each.code, "detail": each.detail} for each in faults
        ],
    }
    emit(
        told,
        as_json=as_json,
        text=lambda: "\n".join(map(str, faults)) or f"{name} can run",
    )


def _shown(solution: Solution) -> dict[str, Any]:
    return {
        "solution": solution.id,
        "name": {"zh": solution.name.zh, "en": solution.name.en},
        "inputs": [
            {
                "name": each.name,
                "type": each.field.type,
                "required": each.field.required,
                "currency": each.currency or "",
                "means": each.label.en,
            }
            for each in solution.inputs
        ],
        "steps": [
            {
                "step": each.id,
                "operation": each.operation,
                "after": ", ".join(each.after),
                "when": " and ".join(each.conditions),
                "until": ", ".join(each.until),
                "on_failure": each.on_failure,
                "undo": each.undo.operation if each.undo else "",
            }
            for each in solution.steps
        ],
    }


def _told(solution: Solution, shown: dict[str, Any]) -> str:
    head = f"{solution.id}: {solution.name.zh} / {solution.name.en}"
    inputs = table(shown["inputs"], ["name", "type", "required", "currency", "means"])
    steps = table(shown["steps"], ["step", "operation", "after", "when", "until", "on_failure"])
    return f"{head}\n\n{inputs}\n\n{steps}"
