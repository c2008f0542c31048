"""`bankside import`: a service of the bank joins by its OpenAPI description."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bankside.catalog import imports
from bankside.catalog.imports import Change, Described, Finding, Taken
from bankside.cli.installation import Installation
from bankside.cli.output import DONE, USAGE, emit, fail, note, table
from bankside.identity.people import person_with
from bankside.identity.realms import BANK, Realm
from bankside.kernel.clock import rfc3339
from bankside.kernel.db import Connection, transaction
from bankside.kernel.egress import Egress
from bankside.kernel.secrets import Vault

# Who imports without naming a person: whoever holds this machine. Nobody's id, so that two people
# of the bank agree later in any case.
OPERATOR = "operator-of-this-machine"
# One byte more than is read: the reader itself then says that it is too much.
BYTES_READ_MAX = 10 * 1024 * 1024 + 1
CREDENTIAL_BYTES_MAX = 8_192
_SHOWN_MAX = 40


@dataclass(frozen=True, slots=True)
class Wish:
    """What to import, as which product, from where; ``review``: where the proposal is written."""

    file: Path
    upstream: str
    name: str
    category: str
    by: str
    review: Path | None
    check_only: bool


async def openapi(installation: Installation, wish: Wish, *, as_json: bool) -> int:
    """Read a description, keep it, make its proposal the draft of a product, and report."""
    raw = _read(wish.file, BYTES_READ_MAX)
    described = imports.describe(raw)
    product = f"{wish.category}.{wish.name or imports.set_name(described.title)}"
    proposal = imports.propose(described, product=product, url=wish.upstream, file=wish.file.name)
    target = wish.review or Path(f"{product}.review.yaml")
    taken: Taken | None = None
    if not wish.check_only:
        _checked(installation, wish.upstream)
        async with installation.pool() as pool, transaction(pool) as db:
            by = await _person(db, wish.by)
            taken = await imports.take_description(db, installation.clock, raw, proposal, by=by)
        target.write_text(imports.review_text(proposal), encoding="utf-8")
        note(f"review: {target}")
    report = _report(described, proposal, taken, "" if wish.check_only else str(target))
    emit(report, as_json=as_json, text=lambda: _text(described, report, taken))
    return DONE


async def review(
    installation: Installation, file: Path, by: str, *, confirm_all: bool, as_json: bool
) -> int:
    """Make an edited review the draft of its product."""
    found = imports.read_review(_read(file, BYTES_READ_MAX))
    _checked(installation, found.upstream.url)
    data: dict[str, Any] = msgspec.to_builtins(found)
    if confirm_all:
        for each in data["operations"]:
            each["confirmed"] = each["confirmed"] or each["keep"]
    async with installation.pool() as pool, transaction(pool) as db:
        taken = await imports.take_review(db, installation.clock, data, by=await _person(db, by))
    facts = {**_version(taken), **imports.figures(data)}
    emit(facts, as_json=as_json, text=lambda: _lines(facts) + _next(taken))
    return DONE


async def credential(
    installation: Installation, product: str, file: Path, by: str, *, as_json: bool
) -> int:
    """Keep what a product's service is sent to prove that it is us; published at once."""
    secret = _read(file, CREDENTIAL_BYTES_MAX).decode("ascii", "replace").strip()
    vault = Vault.at(installation.home)
    async with installation.pool() as pool:
        async with transaction(pool) as db:
            person = await _person(db, by)
            await imports.set_credential(db, installation.clock, vault, product, secret, by=person)
        version = await installation.publish(pool)
    told = {"product": product, "snapshot": version}
    emit(told, as_json=as_json, text=lambda: f"{product}: kept sealed, snapshot {version}")
    return DONE


async def show(installation: Installation, product: str, *, as_json: bool) -> int:
    """What was imported, and where answers differed from their description."""
    async with installation.pool() as pool, transaction(pool) as db:
        found = await imports.imported(db, product or None)
        if product and not found:
            raise imports.ImportUnknown(f"nothing was imported as {product}")
        differing = await imports.mismatches(db, product) if product else []
    rows = [
        {
            "product": each.product,
            "file": each.file,
            "sha256": each.sha256[:16],
            "by": each.by,
            "at": rfc3339(each.at),
        }
        for each in found
    ]
    wrong = [
        {"operation": operation, "what": said, "times": times, "last": rfc3339(at)}
        for operation, said, times, at in differing
    ]

    def text() -> str:
        shown = table(rows, ["product", "file", "sha256", "by", "at"]) if rows else "none"
        if not wrong:
            return shown
        return f"{shown}\n\nanswers that differ from their description\n" + table(
            wrong, ["operation", "what", "times", "last"]
        )

    emit({"imports": rows, "mismatches": wrong}, as_json=as_json, text=text)
    return DONE


async def _person(db: Connection, login: str) -> str:
    if not login:
        return OPERATOR
    return str((await person_with(db, Realm.STAFF, BANK, login)).id)


def _checked(installation: Installation, url: str) -> None:
    """Refuse an address that the edge will never call; EgressRefused says why."""
    Egress(loopback=installation.egress_loopback, internal=installation.upstream_hosts).checked(url)


def _read(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(most)
    except OSError as error:
        fail(f"{file} cannot be read ({error.strerror})", USAGE)


def _report(
    described: Described, proposal: imports.Review, taken: Taken | None, review_file: str
) -> dict[str, Any]:
    return {
        "product": proposal["product"],
        "openapi": described.openapi,
        "title": described.title,
        "sha256": described.sha256,
        "described": described.found,
        **imports.figures(proposal),
        "not_imported": described.found - len(described.operations),
        "lost": [_finding(each) for each in described.findings],
        "changes": [_change(each) for each in (taken.changes if taken else ())],
        **(_version(taken) if taken else {}),
        "review": review_file,
    }


def _finding(each: Finding) -> dict[str, Any]:
    return {
        "rule": each.rule,
        "line": each.line,
        "at": each.pointer,
        "what": each.text,
        "times": each.count,
    }


def _change(each: Change) -> dict[str, Any]:
    return {"operation": each.operation, "breaking": each.is_breaking, "what": each.text}


def _version(taken: Taken) -> dict[str, Any]:
    version = taken.version
    return {
        "product": version.product,
        "version": version.version,
        "state": version.state.value,
        "breaking": sum(each.is_breaking for each in taken.changes),
    }


def _text(described: Described, report: dict[str, Any], taken: Taken | None) -> str:
    skipped = {"lost", "changes", "review"}
    lines = [_lines({name: value for name, value in report.items() if name not in skipped})]
    if described.findings:
        lines.append("\nnot carried over")
        rows = [_finding(each) for each in described.findings[:_SHOWN_MAX]]
        lines.append(table(rows, ["line", "rule", "times", "what"]))
        if len(described.findings) > _SHOWN_MAX:
            lines.append(f"and {len(described.findings) - _SHOWN_MAX} more: --json shows all")
    if report["changes"]:
        lines.append(f"\nchanged since version {taken.before if taken else 0}")
        lines.append(table(report["changes"][:_SHOWN_MAX], ["breaking", "operation", "what"]))
    return "\n".join(lines) + (_next(taken) if taken else "")


def _lines(facts: dict[str, Any]) -> str:
    return "\n".join(f"{name:14} {value}" for name, value in facts.items())


def _next(taken: Taken) -> str:
    return (
        "\nnext: read and edit the review, `bankside import review FILE`, then"
        f" `bankside product move {taken.version.product} --to review`"
    )
