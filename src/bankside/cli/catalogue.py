"""`bankside catalogue`: counts, validation and the OpenAPI document."""

from pathlib import Path

from bankside.cli.installation import Installation
from bankside.cli.output import DONE, REFUSED, emit, note


def count(installation: Installation, *, as_json: bool) -> None:
    """Print what the shelf holds and what the compiled router answers."""
    from bankside import catalog

    figures = catalog.count(catalog.load(), installation.runnable)
    emit(
        figures,
        as_json=as_json,
        text=lambda: "\n".join(f"{name:12} {value:6}" for name, value in figures.items()),
    )


def check(*, as_json: bool) -> int:
    """Validate all definitions; 0 when nothing is wrong."""
    from bankside.catalog import validation

    faults = [str(fault) for fault in validation.check()]
    emit({"faults": faults}, as_json=as_json, text=lambda: "\n".join([*faults, "checked"]))
    return REFUSED if faults else DONE


def write_openapi(installation: Installation, target: Path) -> None:
    """Write the OpenAPI document to ``target``."""
    import msgspec

    from bankside import catalog

    document = catalog.openapi(catalog.load(), installation.runnable)
    text = msgspec.json.format(msgspec.json.encode(document), indent=1)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text + b"\n")
    note(f"{target}: {len(document['paths'])} paths")
