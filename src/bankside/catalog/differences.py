"""What is other in a product version than in the one before, and whether it can break a caller.

Always true: a difference is breaking when a call that was right before may be refused after it.
Texts, prices and classes are named too, but break no call.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bankside.catalog.model import Input, Product, ProductOperation


@dataclass(frozen=True, slots=True)
class Difference:
    """One place: ``POST /v1/x: input amount``; ``before`` or ``after`` is "" where nothing was."""

    place: str
    before: str
    after: str
    breaking: bool


def differences(before: Product, after: Product) -> list[Difference]:
    """All differences, breaking ones first."""
    found = [*_operations(before, after), *_rules(before, after)]
    return sorted(found, key=lambda each: (not each.breaking, each.place))


def _rules(before: Product, after: Product) -> Iterator[Difference]:
    for name, old, new in (
        ("name", f"{before.name.zh} · {before.name.en}", f"{after.name.zh} · {after.name.en}"),
        ("description", before.description.en, after.description.en),
        ("fees", str(before.fees), str(after.fees)),
        ("risk tier", before.risk_tier, after.risk_tier),
        ("data class", before.data_class, after.data_class),
        ("steps", _steps(before), _steps(after)),
    ):
        if old != new:
            yield Difference(name, old, new, breaking=False)
    if before.limits != after.limits:
        yield Difference(
            "limits", _limits(before), _limits(after), breaking=_is_tighter(before, after)
        )
    for scope in sorted(before.consent_scopes ^ after.consent_scopes):
        added = scope in after.consent_scopes
        yield Difference(
            f"scope {scope}", "" if added else scope, scope if added else "", breaking=added
        )


def _operations(before: Product, after: Product) -> Iterator[Difference]:
    old, new = _by_route(before), _by_route(after)
    for route in sorted(old.keys() | new.keys()):
        if route not in new:
            yield Difference(route, old[route].purpose, "", breaking=True)
        elif route not in old:
            yield Difference(route, "", new[route].purpose, breaking=False)
        else:
            yield from _inputs(route, old[route].inputs, new[route].inputs)
            if old[route].access != new[route].access:
                yield Difference(
                    f"{route}: access", old[route].access, new[route].access, breaking=True
                )
            if old[route].needs_key != new[route].needs_key:
                was, now = str(old[route].needs_key), str(new[route].needs_key)
                yield Difference(
                    f"{route}: idempotency key", was, now, breaking=new[route].needs_key
                )


def _inputs(
    place: str, before: tuple[Input, ...], after: tuple[Input, ...]
) -> Iterator[Difference]:
    old, new = {each.name: each for each in before}, {each.name: each for each in after}
    for name in sorted(old.keys() | new.keys()):
        at = f"{place}: input {name}"
        if name not in new:
            yield Difference(at, _input(old[name]), "", breaking=True)
        elif name not in old:
            yield Difference(at, "", _input(new[name]), breaking=new[name].required)
        elif old[name] != new[name]:
            if old[name].fields and new[name].fields:
                yield from _inputs(at, old[name].fields, new[name].fields)
            if _input(old[name]) != _input(new[name]):
                tighter = _is_narrower(old[name], new[name])
                yield Difference(at, _input(old[name]), _input(new[name]), breaking=tighter)


def _is_narrower(before: Input, after: Input) -> bool:
    """Whether a value that fitted before may not fit any more."""
    if before.type != after.type or before.pattern != after.pattern:
        return True
    if after.required and not before.required:
        return True
    if after.max is not None and (before.max is None or after.max < before.max):
        return True
    return bool(after.choices) and not set(before.choices or ("\0",)) <= set(after.choices)


def _is_tighter(before: Product, after: Product) -> bool:
    old, new = before.limits, after.limits
    if new is None:
        return False
    return (
        old is None
        or new.per_transaction_minor < old.per_transaction_minor
        or new.per_day_minor < old.per_day_minor
    )


def _by_route(product: Product) -> Mapping[str, ProductOperation]:
    return {f"{each.method} {each.path}": each for each in product.all_operations}


def _steps(product: Product) -> str:
    return " > ".join(f"{each.use} ({each.when}, {each.on_failure})" for each in product.steps)


def _limits(product: Product) -> str:
    limits = product.limits
    return f"{limits.per_transaction_minor} / {limits.per_day_minor}" if limits else ""


def _input(field: Input) -> str:
    words = [field.type, "required" if field.required else "optional"]
    words += [f"max {field.max}"] if field.max else []
    words += [f"like {field.pattern}"] if field.pattern else []
    words += [f"one of {', '.join(field.choices)}"] if field.choices else []
    return ", ".join(words)
