"""Whether what a call starts, what a step takes, and what undoes it fit together."""

from collections.abc import Iterator

from bankside.catalog.model import (
    HOUSE_ROLES,
    RUNTIME_ACTIONS,
    Catalogue,
    Input,
    Product,
    ProductOperation,
    Step,
)
from bankside.catalog.validation.fault import Fault

# Who a notice goes to is no account and no input.
_ADDRESSEES = frozenset({"partner", "customer", "merchant"})

# A price that the clock takes: no payment that anybody asks for, so no limit bounds it.
_CHARGE = "account.charge"


def link_faults(catalogue: Catalogue, files: dict[str, str]) -> Iterator[Fault]:
    """Faults inside products; ``files`` is product id -> file name."""
    for product in catalogue.products.values():
        for what in _product(catalogue, product):
            yield Fault(files[product.id], product.id, what)
    for operation in catalogue.platform.operations:
        for what in _inputs(operation.inputs):
            yield Fault("platform", operation.id, what)


def _product(catalogue: Catalogue, product: Product) -> Iterator[str]:
    for operation in product.all_operations:
        yield from _runs(catalogue, operation)
        yield from _inputs(operation.inputs)
    yield from _inputs(product.inputs)
    yield from _waiting_steps(product)
    yield from _stops(catalogue, product)
    for step in product.steps:
        yield from _roles(product, step)
        if product.tier == "core" and not step.roles:
            yield f"{step.id}: a step of a core product says with what it works"
    charges = any(step.use == _CHARGE for step in product.steps)
    if charges != (product.fees is not None and product.fees.account is not None):
        yield f"{_CHARGE} and a price in fees.account belong together"
    posts = any(_posts(catalogue, step) for step in product.steps if step.use != _CHARGE)
    if posts and product.limits is None:
        yield "moves money without limits"
    if product.steps[0].when != "request":
        yield "its first step does not wait for a request"


def _runs(catalogue: Catalogue, operation: ProductOperation) -> Iterator[str]:
    route = f"{operation.method} {operation.path}"
    if not operation.writes:
        if operation.runs:
            yield f"{route} reads, yet runs {operation.runs}"
    elif operation.runs is None:
        yield f"{route} writes, yet runs nothing"
    elif operation.runs not in RUNTIME_ACTIONS and catalogue.primitive(operation.runs) is None:
        yield f"{route} runs {operation.runs}, which does not exist"


def _waiting_steps(product: Product) -> Iterator[str]:
    """A later step that waits for a request has a route that makes it, or says it has none."""
    started = {operation.runs for operation in product.all_operations}
    missing = {
        step.use for step in product.steps[1:] if step.when == "request" and step.use not in started
    }
    for use in sorted(missing - set(product.routes_missing)):
        yield f"step {use} waits for a request, and no operation makes one"
    for use in sorted(set(product.routes_missing) - missing):
        yield f"routes_missing names {use}, which has a route or is no such step"


def _stops(catalogue: Catalogue, product: Product) -> Iterator[str]:
    """An order that stops gives the money back: every posting before a `stop` can be reversed."""
    posted: list[Step] = []
    for step in product.steps:
        if step.on_failure == "stop":
            for earlier in posted:
                operation = catalogue.primitive(earlier.use)
                if operation and operation.reverse is None:
                    yield f"{step.id} may stop the order after {earlier.use}, which has no reverse"
        if _posts(catalogue, step):
            posted.append(step)


def _roles(product: Product, step: Step) -> Iterator[str]:
    names = {each.name for each in product.inputs} | {
        each.name for operation in product.all_operations for each in operation.inputs
    }
    for role, value in step.roles.items():
        known = names | (_ADDRESSEES if role == "to" else HOUSE_ROLES)
        if value not in known:
            yield f"{step.id}: {role} is {value}, which is no input and no account of the bank"


def _inputs(inputs: tuple[Input, ...]) -> Iterator[str]:
    names = [each.name for each in inputs]
    for each in inputs:
        if names.count(each.name) > 1:
            yield f"input {each.name} stands twice"
        if each.instead_of and (each.instead_of not in names or each.required):
            yield f"input {each.name} cannot stand instead of {each.instead_of}"
        if each.fields and each.type != "list":
            yield f"input {each.name} has fields, yet is no list"
        yield from _inputs(each.fields)


def _posts(catalogue: Catalogue, step: Step) -> bool:
    operation = catalogue.primitive(step.use)
    return operation is not None and operation.posts
