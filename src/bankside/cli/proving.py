"""`bankside product prove`: the checks of a product version, run and kept as evidence."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bankside.cli.installation import Installation
from bankside.cli.output import DONE, REFUSED, emit, note

SEED_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for; ``version`` 0: the one sandbox apps meet; ``seed`` 0: a new one."""

    product: str
    version: int
    seed: int
    by: str


async def prove(installation: Installation, asked: Asked, *, as_json: bool) -> int:
    """Run, print what was found; refused (1) when a check found anything."""
    seed = asked.seed or 1 + secrets.randbelow(SEED_MAX)
    async with installation.pool() as pool:
        found = await installation.prove(
            pool, asked.product, asked.version, seed=seed, by=asked.by, tell=note
        )
    emit(found, as_json=as_json, text=lambda: "\n".join(_lines(found)))
    return DONE if found["passed"] else REFUSED


def _lines(found: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{found['product']} version {found['version']}, content {found['content_sha256'][:12]},"
        f" seed {found['seed']}, {found['seconds']} s"
    ]
    for name, check in found["checks"].items():
        counts = ", ".join(f"{count} {what}" for what, count in check["counts"].items())
        lines.append(f"  {name} {'passed' if check['passed'] else 'FAILED'}: {counts}")
        for fault in check["faults"]:
            lines += _fault(fault)
    if not found["passed"]:
        lines.append(
            f"again: bankside product prove {found['product']} {found['version']}"
            f" --seed {found['seed']}"
        )
    return lines


def _fault(fault: Mapping[str, Any]) -> list[str]:
    lines = [
        f"    {fault['operation']} ({fault['wire']}): {fault['said']}",
        f"      sent {fault['sent']}",
        f"      request {fault['request_id']}, {fault['status']}",
    ]
    return lines + ([f"      {fault['repeat']}"] if fault["repeat"] else [])
