"""What the facts of orders look like: their names in words, and the JSON Schema of their bodies.

Always true: every event an order publishes has a name from ``FACTS`` and a body that its schema
takes; a test holds both against the code and against what is really published. Partners read it as
``docs/partner/events.md`` (made by ``tools/event_docs.py``). Version 1: fields may be added.
"""

from collections.abc import Mapping
from typing import Any, Final

from bankside.orders.model import State

Schema = Mapping[str, Any]

_AMOUNT: Final = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
_CURRENCY: Final = {"type": "string", "pattern": "^[A-Z]{3}$"}
_ID: Final = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,127}$"}
_TEXT: Final = {"type": "string"}
_OR_NOT: Final = {"type": ["string", "null"]}
_TIME: Final = {"type": "string", "format": "date-time"}
_DATE: Final = {"type": "string", "format": "date"}

_SUMS: Final = ("amount", "paid", "refunded", "split", "held", "settled", "fee")
_ORDER: Final[dict[str, Any]] = {
    "order": _ID,
    "product": _TEXT,
    "tenant": _OR_NOT,
    "app": _TEXT,
    "state": {"enum": [each.value for each in State]},
    "status": _TEXT,
    "reference": _OR_NOT,
    "parent": _OR_NOT,
    "currency": _CURRENCY,
    **dict.fromkeys(_SUMS, _AMOUNT),
    "code": _OR_NOT,
    "at": _TIME,
}
_ENTRY: Final[dict[str, Any]] = {
    "subscription": _ID,
    "tenant": _OR_NOT,
    "account": _ID,
    "entry": _TEXT,
    "sequence": {"type": "integer", "minimum": 1},
    "credit_debit": {"enum": ["CRDT", "DBIT"]},
    "amount": {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"},
    "currency": _CURRENCY,
    "kind": _TEXT,
    "group": {"type": "string", "format": "uuid"},
    "booking_date": _DATE,
    "value_date": _DATE,
}


def _object(fields: Mapping[str, Any]) -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": sorted(fields),
        "properties": dict(fields),
    }


# By the beginning of an event's type as partners see it.
SCHEMAS: Final[Mapping[str, Schema]] = {
    "order.": _object(_ORDER),
    "entry.booked": _object(_ENTRY),
}

# Fact -> what happened, in both languages.
FACTS: Final[Mapping[str, tuple[str, str]]] = {
    "accepted": ("票据已承兑", "the instrument was accepted"),
    "account_closed": ("账户已销户", "the account was closed"),
    "account_frozen": ("账户已冻结", "the account was frozen"),
    "account_opened": ("账户已开立", "the account was opened"),
    "account_unfrozen": ("账户已解冻", "the account was freed"),
    "amended": ("信息已变更", "particulars were amended"),
    "billed": ("账单已出", "a card's month was billed"),
    "captured": ("预授权已请款", "held money was captured"),
    "closed": ("订单已关闭", "it ended without (further) payment"),
    "compensated": ("已冲回", "what it had posted was undone"),
    "completed": ("已完成", "it was carried out to its end"),
    "contributed": ("养老金已缴存", "the pension account was paid into"),
    "converted": ("已兑换", "money was exchanged"),
    "created": ("已创建", "it was begun"),
    "discounted": ("已贴现", "the instrument was discounted"),
    "dishonoured": ("已拒付", "the drawer could not pay at maturity"),
    "drawn": ("已提款", "the loan was drawn"),
    "endorsed": ("已背书", "the instrument changed hands"),
    "fee_charged": ("已收取账户费用", "what keeping the account costs was taken"),
    "fee_owed": ("账户费用未收足", "the account does not cover what keeping it costs"),
    "granted": ("已授信", "a limit was granted"),
    "held": ("已冻结资金", "money was put on hold"),
    "issued": ("已签发", "a paper or right was issued"),
    "notice_given": ("已预约支取", "notice of a withdrawal was given"),
    "overdue": ("已逾期", "what was due was not paid in time"),
    "paid": ("已支付", "its payer paid"),
    "placed": ("已存入", "a deposit was placed"),
    "quoted": ("已报价", "a rate stands for a while"),
    "receiver_admitted": ("已登记分账方", "a receiver of shares was admitted"),
    "received": ("已收款", "money came in from outside"),
    "reconciling": ("待核实", "nobody knows yet what became of it outside"),
    "redeemed": ("已核销或赎回", "a right was used, or a holding paid out"),
    "refunded": ("已退款", "money went back"),
    "refused": ("已拒绝", "the ledger refused it"),
    "registered": ("已登记", "a merchant was registered"),
    "released": ("已解冻资金", "held money went back"),
    "repaid": ("已还款", "a loan or card was paid back"),
    "sent": ("已发送", "a payment or message left"),
    "settled": ("已结算", "collected money reached its merchant"),
    "split": ("已分账", "shares were paid out"),
    "split_returned": ("分账已回退", "a share came back"),
    "submitted": ("已提交", "a batch was submitted"),
    "subscribed": ("已申购", "units were bought"),
}
