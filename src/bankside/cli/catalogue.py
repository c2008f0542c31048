"""`bankside catalogue`: counts, validation and the OpenAPI document."""

from pathlib import Path
from typing import Any

from bankside.cli.installation import Installation
from bankside.cli.output import DONE, REFUSED, emit, note


def count(installation: Installation, *, as_json: bool) -> None:
    """Print what the shelf holds and what the compiled router answers."""
    from bankside import catalog

    figures = catalog.count(catalog.load(), installation.runnable)
    # What the bank's own services add stands in no definition: the snapshot in force tells.
    imported = installation.imported_routes()
    figures |= {
        "routes": figures["routes"] + imported,
        "routes_answering": figures["routes_answering"] + imported,
        "imported_routes": imported,
    }
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
    from bankside import catalog

    document = catalog.openapi(catalog.load(), installation.runnable, installation.refusals)
    _write(document, target)


async def write_part(installation: Installation, target: Path, product: str, partner: str) -> int:
    """Write the document of one product, or of all that a partner holds, as callers meet them."""
    from bankside import catalog
    from bankside.catalog.apis import selected
    from bankside.kernel.db import transaction
    from bankside.kernel.ids import PartnerId
    from bankside.partners import held_products, read_partner

    shipped = catalog.load()
    wanted = {product} if product else {shipped.platform.id, shipped.open_banking.id}
    async with installation.pool() as pool, transaction(pool) as db:
        shown = await catalog.display(db, shipped)
        if partner:
            of = PartnerId((await read_partner(db, partner)).id)
            held = set(await held_products(db, of))
            wanted = wanted & held if product else wanted | held
    document = catalog.openapi(
        shown.standing.catalogue(shipped), installation.runnable, installation.refusals
    )
    part = selected(shown.told(dict(document)), wanted, title=product or f"bankside for {partner}")
    if not part["paths"]:
        raise catalog.ProductUnknown(f"nothing of {product} is there for {partner or 'anybody'}")
    _write(part, target)
    return DONE


def _write(document: Any, target: Path) -> None:
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(document), indent=1)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text + b"\n")
    note(f"{target}: {len(document['paths'])} paths")
