"""The file an order of steps produces: a certificate of what the order says, as CSV.

Kept as it was built; its SHA-256 stands in the order, so that a copy can be verified.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bankside.bank.accounts import balance
from bankside.kernel.clock import rfc3339
from bankside.orders import parties, store_lines
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.sheets import cell, csv_bytes

CSV = "text/csv; charset=utf-8"
_HEAD = ("项目 item", "内容 content")


async def filing(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The certificate's bytes, and the row that keeps them."""
    at = room.desk.clock.now()
    rows = [
        ("编号 order", order.id),
        ("产品 product", order.product),
        ("客户编号 reference", cell(order.reference or "")),
        ("金额 amount", f"{order.money(order.amount)} {order.currency}"),
        ("出具时间 issued_at", rfc3339(at)),
        *((cell(name), cell(_text(value))) for name, value in sorted(order.input.items())),
        *await _balances(room, order, form),
        *((f"{noun}", cell(_text(order.book[noun]))) for noun in sorted(order.book)),
    ]
    content = csv_bytes(_HEAD, rows)
    digest = hashlib.sha256(content)
    facts = {
        "content_type": CSV,
        "bytes": len(content),
        "rows": len(rows),
        "sha256": digest.hexdigest(),
    }
    file = store_lines.File(CSV, digest.digest(), content)
    written = store_lines.file_written(order.partner, order.id, file, at=at)
    return Prepared(order, {"file": facts}, (written,))


async def _balances(room: Room, order: Order, form: Form) -> list[tuple[str, str]]:
    """Balances of the account a bank confirmation is about, on the bank's word."""
    if order.family != "confirm_letter" or room.ticket is None:
        return []
    named = {"/subject": form["subject"]}
    account = (await parties.known(room.db, room.ticket.scope, named))[form["subject"]]
    money = await balance(room.db, account)
    return [
        ("账号 account", account.number),
        ("账面余额 booked", f"{money.booked} {account.currency}"),
        ("可用余额 available", f"{money.available} {account.currency}"),
        ("冻结 held", f"{money.held} {account.currency}"),
    ]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(_public(value), ensure_ascii=False, sort_keys=True)


def _public(value: Any) -> Any:
    """Without the names that only the runtime reads."""
    if isinstance(value, Mapping):
        return {name: _public(each) for name, each in value.items() if not name.startswith("_")}
    return [_public(each) for each in value] if isinstance(value, list) else value


PREPARATIONS: Mapping[str, Prepare] = {"query.file": filing}
