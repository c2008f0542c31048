"""The form dialects of a partner for any operation of the catalogue, not only for payments."""

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.journeys.dialects import AlipayV2, Icbc

from bankside.catalog import ProductOperation, load
from bankside.gateway.wires.alipay.methods import Method, method_table


def _own_name(operation: ProductOperation) -> str:
    """``bankside.<category>.<product>.<word>``, made of the operation's other name."""
    return "bankside." + ".".join(operation.icbc_path.split("/")[2:-1]).replace("-", "_")


class EveryIcbc(Icbc):
    """The ICBC-style form; a wish names the operation by its id."""

    operations: ClassVar = {each.id: each.icbc_path for each in load().operations.values()}

    @classmethod
    def spelled(cls, _operation: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A native body, which is this dialect's own."""
        return body


class EveryAlipay(AlipayV2):
    """The Alipay-style v2 form: methods of the dialect's table, others under their own names."""

    served: ClassVar = {
        choice.operation: method.name
        for method in method_table().methods.values()
        for choice in method.choices
        # Those are brought by a browser: `tests/sdks/test_checkout_pages.py`.
        if not method.page
    }
    operations: ClassVar = {
        each.id: _own_name(each) for each in load().operations.values()
    } | served

    @classmethod
    def spelled(cls, operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A native body in the fields of the method that serves the operation."""
        if operation not in cls.served:
            return {**body, "idempotency_key": secrets.token_hex(8)}
        method: Method = method_table().methods[cls.operations[operation]]
        content: dict[str, Any] = {}
        for each in method.request:
            if each.place == "body" and each.name in body:
                value = body[each.name]
                _put(content, each.field, value["amount"] if each.kind == "money" else value)
            elif each.required:
                # A number of the dialect's own, or one that the native form can do without.
                _put(content, each.field, "n-1")
        return content


def _put(content: dict[str, Any], place: str, value: Any) -> None:
    *outer, last = place.split(".")
    for name in outer:
        content = content.setdefault(name, {})
    content[last] = value
