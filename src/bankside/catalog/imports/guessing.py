"""What an operation probably is, from its names: rights, risk, data class. A person confirms it.

Always true: a guess says what it was made from; nothing here decides anything.
Source: JR/T 0171-2020 (classes C1 to C3 of personal financial information); catalogue guide 4, 8.
"""

import re
from dataclasses import dataclass, field

from bankside.catalog.imports.members import words
from bankside.catalog.imports.model import DescribedOperation

_C3 = re.compile(
    r"card_number|(^|_)pan($|_)|cvv|cvc|password|passcode|(^|_)pin($|_)|fingerprint|face_|biometric"
    r"|secret|track_?data|private_key"
)
_C2 = re.compile(
    r"(^|_)id_(number|no)|identity|passport|national_id|tax_id|ssn|phone|mobile|email|(^|_)name($|_)"
    r"|first_name|last_name|full_name|address|birth|iban|account|balance|customer|holder"
)
_R4 = re.compile(r"loan|credit_line|lending|cross_border|remittance|guarantee|mortgage|collateral")
_MONEY = re.compile(r"payment|transfer|payout|refund|charge|capture|withdraw|deposit|drawdown")
# Words of path and name to a scope of the shelf: the first that fits; (reading, writing).
_SCOPES: tuple[tuple[str, str, str], ...] = (
    (r"payout|disbursement", "payouts:write", "payouts:write"),
    (r"mandate|direct_debit", "mandates:write", "mandates:write"),
    (r"payment|transfer|charge|refund|checkout|capture", "payments:write", "payments:write"),
    (r"collection|invoice|bill", "reports:read", "collections:write"),
    (r"loan|credit|lending", "loans:write", "loans:write"),
    (r"insurance|polic(y|ies)|claim", "insurance:write", "insurance:write"),
    (r"invest|portfolio|fund|securit|holding|asset", "reports:read", "investments:write"),
    (r"score|rating|fraud", "data:score", "data:score"),
    (r"identity|kyc|verif|document_check|legal_entit", "identity:read", "identity:read"),
    (r"message|notification|webhook|email|sms", "messages:write", "messages:write"),
    (r"envelope|contract|agreement|template|signature", "agreements:write", "agreements:write"),
    (r"card|instrument|note", "accounts:read", "instruments:write"),
    (r"gift|loyalty|coupon|benefit", "benefits:write", "benefits:write"),
    (r"account|balance|transaction|statement|customer", "accounts:read", "accounts:write"),
    (r"report|payroll|employee|tax|rate|bank", "reports:read", "agreements:write"),
)
_KEY_HEADERS = frozenset({"idempotency-key", "x-idempotency-key", "request-idempotency-key"})


@dataclass(frozen=True, slots=True)
class Guess:
    """What is proposed, and from what."""

    data_class: str
    risk_tier: str
    scopes: tuple[str, ...]
    moves_money: bool
    key_header: str
    because: tuple[str, ...] = field(default=())


def guess(operation: DescribedOperation) -> Guess:
    """The proposal for one operation."""
    because: list[str] = []
    writes = operation.method != "GET"
    text = words(f"{operation.path} {operation.name}")
    moves_money = _moves_money(operation, text, because) if writes else False
    data_class = _data_class(operation, because)
    risk_tier = "R1" if not writes else "R3" if moves_money else "R2"
    if writes and (found := _R4.search(text)):
        risk_tier = "R4"
        because.append(f"risk R4: the path or name says {found[0]}")
    return Guess(
        data_class=data_class,
        risk_tier=risk_tier,
        scopes=_scopes(text, because, writes=writes),
        moves_money=moves_money,
        key_header=_key_header(operation, because) if writes else "",
        because=tuple(because),
    )


def _moves_money(operation: DescribedOperation, text: str, because: list[str]) -> bool:
    """Rather once too often: such a call needs a key, and its record is kept before its answer."""
    if operation.money:
        because.append(f"moves money: the request has {operation.money[0][0]}")
        return True
    found = _MONEY.search(text)
    if found and operation.method == "POST":
        because.append(f"moves money: the path or name says {found[0]}")
        return True
    return False


def _data_class(operation: DescribedOperation, because: list[str]) -> str:
    for pattern, name in ((_C3, "C3"), (_C2, "C2")):
        for member in sorted(operation.names):
            if pattern.search(words(member)):
                because.append(f"data class {name}: a member is called {member[:60]}")
                return name
    because.append("data class C1: no member's name says more")
    return "C1"


def _scopes(text: str, because: list[str], *, writes: bool) -> tuple[str, ...]:
    for pattern, reading, writing in _SCOPES:
        found = re.search(pattern, text)
        if found:
            scope = writing if writes else reading
            because.append(f"scope {scope}: the path or name says {found[0]}")
            return (scope,)
    because.append("no scope: no word of path or name fits one")
    return ()


def _key_header(operation: DescribedOperation, because: list[str]) -> str:
    for each in operation.parameters:
        if each.place == "header" and each.name.lower() in _KEY_HEADERS:
            because.append(f"the upstream takes an idempotency key in {each.name}")
            return each.name
    return ""
