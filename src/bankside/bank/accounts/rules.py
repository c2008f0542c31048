"""Account numbers, payment codes and periods: pure decisions.

An account number has 19 digits: 4 of the bank, 2 of the product class, 12 of a serial and the check
digit of ISO/IEC 7812-1 annex B (Luhn). 9001 is this sandbox bank's own prefix and no issuer number.
"""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime

from bankside.bank.accounts.errors import (
    AccountClosed,
    AccountFrozen,
    AccountLocked,
    AccountNumberInvalid,
    PayerTokenExpired,
    PayerTokenReusable,
    PayerTokenUsed,
    PeriodInvalid,
)
from bankside.bank.accounts.model import Account, AccountStatus, PayerToken, ProductClass

BANK_DIGITS = "9001"
# Classes of personal accounts that move and hold a bounded amount (PBOC notice 2016-302).
LIMITED_CLASSES = frozenset({"II", "III"})
CLASS_DIGITS: Mapping[ProductClass, str] = {
    ProductClass.CURRENT: "01",
    ProductClass.SAVINGS: "02",
    ProductClass.SETTLEMENT: "03",
    ProductClass.SUB: "04",
    ProductClass.WALLET: "05",
    ProductClass.ESCROW: "06",
    ProductClass.MARGIN: "07",
    ProductClass.PENSION: "08",
    ProductClass.CARD: "09",
    ProductClass.CREDIT: "10",
}
SERIAL_MAX = 10**12 - 1
# The sequence of serials stays below; seeds and loaders choose theirs from here on.
CHOSEN_SERIAL_MIN = 5 * 10**11
NUMBER_LENGTH = 19


def luhn_digit(digits: str) -> str:
    """The check digit that belongs to ``digits``."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def account_number(product_class: ProductClass, serial: int) -> str:
    """The 19-digit number of an account."""
    if not 0 < serial <= SERIAL_MAX:
        raise AccountNumberInvalid(f"serial {serial} does not fit an account number")
    digits = f"{BANK_DIGITS}{CLASS_DIGITS[product_class]}{serial:012d}"
    return digits + luhn_digit(digits)


def checked_number(text: str) -> str:
    """The text as an account number, or AccountNumberInvalid."""
    if len(text) != NUMBER_LENGTH or not (text.isascii() and text.isdigit()):
        raise AccountNumberInvalid
    if luhn_digit(text[:-1]) != text[-1]:
        raise AccountNumberInvalid("the check digit of the account number is wrong")
    return text


def masked_number(number: str) -> str:
    """First six and last four digits (JR/T 0171-2020 C2 on display)."""
    return f"{number[:6]}{'*' * (len(number) - 10)}{number[-4:]}"


def is_locked(account: Account) -> bool:
    """Whether only pension products debit the account (State Council notice 2022-7, article 5)."""
    return account.product_class is ProductClass.PENSION


def may_pay(account: Account) -> None:
    """AccountLocked, AccountFrozen or AccountClosed unless payments may debit the account."""
    if is_locked(account):
        raise AccountLocked
    if account.status is AccountStatus.FROZEN:
        raise AccountFrozen
    may_receive(account)


def may_receive(account: Account) -> None:
    """AccountClosed unless the account may be credited."""
    if account.status is AccountStatus.CLOSED:
        raise AccountClosed


def checked_period(from_date: date | None, to_date: date | None) -> None:
    """PeriodInvalid unless the period has at least one day; an open end is always right."""
    if from_date is not None and to_date is not None and to_date < from_date:
        raise PeriodInvalid(f"{to_date} lies before {from_date}")


def token_hash(partner: str, token: str) -> bytes:
    """What is stored of a payment code."""
    return hashlib.sha256(f"{partner}\x1f{token}".encode("utf-8", "surrogatepass")).digest()


def may_spend(token: PayerToken, *, at: datetime, environment: str) -> None:
    """PayerTokenUsed, PayerTokenExpired or PayerTokenReusable unless the code pays now."""
    if token.used:
        raise PayerTokenUsed
    if token.expires_at <= at:
        raise PayerTokenExpired
    if token.reusable and environment != "sandbox":
        raise PayerTokenReusable


def ledger_account(account_id: str, account_class: str | None) -> str:
    """The account's name in the ledger; that of a class II or III account says its class.

    So a posting is seen to touch a limited account without asking for each of its legs.
    """
    return f"{account_id}.{account_class}" if account_class in LIMITED_CLASSES else account_id


def limited_class(ledger_account: str) -> str | None:
    """II or III when the ledger account is one of a limited class."""
    found = ledger_account.rpartition(".")[2]
    return found if found in LIMITED_CLASSES and ledger_account.startswith("acc_") else None
