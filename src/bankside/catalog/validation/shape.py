"""Whether every entry has the shape that ``schemas.yaml`` gives its kind."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from bankside.catalog.validation.fault import Fault

# file -> (key of the list of entries, kind of an entry); product files share the last line.
_KINDS: Mapping[str, tuple[str, str]] = {
    "categories": ("categories", "category"),
    "scenes": ("scenes", "scene"),
    "industries": ("sections", "section"),
    "primitives": ("primitives", "primitive"),
    "archetypes": ("archetypes", "archetype"),
    "ecosystem-clouds": ("clouds", "cloud"),
    "solutions": ("solutions", "solution"),
    "products": ("products", "product"),
}


def shape_faults(files: Mapping[str, Any]) -> Iterator[Fault]:
    """Entries that are missing a field, have one too many, or hold a value that is not allowed."""
    schemas = files["schemas"]
    validators = {
        kind: Draft202012Validator({"$defs": schemas["$defs"], "$ref": f"#/$defs/{kind}"})
        for kind in schemas["$defs"]
    }
    for file, key, kind in _listed(files):
        for entry in files[file][key]:
            name = str(entry.get("id", entry.get("code", "?")))
            yield from _faults(validators[kind], file, name, entry)
    yield from _faults(validators["platform"], "platform", "platform", files["platform"])


def _listed(files: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for file in files:
        kind = _KINDS.get(file.partition("/")[0])
        if kind:
            yield file, *kind


def _faults(
    validator: Draft202012Validator, file: str, name: str, entry: object
) -> Iterator[Fault]:
    for error in validator.iter_errors(entry):
        # A key with a dash or a list index reads the same way everywhere: steps/2/when.
        place = "/".join(str(part) for part in error.absolute_path)
        yield Fault(file, name, f"{place or 'entry'}: {error.message[:200]}")
