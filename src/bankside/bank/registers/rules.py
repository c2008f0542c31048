"""Check digits, and how names are compared with a list: pure decisions.

Sources: ISO/IEC 7812-1 annex B (Luhn, bank cards of 13 to 19 digits); ISO 13616-1 (IBAN, check
digits by ISO 7064 MOD 97-10).
"""

import re
import unicodedata

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_CARD = re.compile(r"[0-9]{13,19}")
# Lengths of the countries the bank's customers send to most; another country's is not checked.
_IBAN_LENGTHS = {
    **{"AE": 23, "AT": 20, "BE": 16, "CH": 21, "CZ": 24, "DE": 22, "DK": 18, "ES": 24},
    **{"FI": 18, "FR": 27, "GB": 22, "GR": 27, "HU": 28, "IE": 22, "IT": 27, "KZ": 20},
    **{"LU": 20, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "SA": 24, "SE": 24, "TR": 26},
}


def is_luhn(number: str) -> bool:
    """Whether a card number of 13 to 19 digits has its right check digit."""
    if not (number.isascii() and _CARD.fullmatch(number)):
        return False
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Whether an IBAN (spaces allowed) has its country's length and right check digits."""
    iban = text.replace(" ", "").upper()
    if not (iban.isascii() and _IBAN.fullmatch(iban)):
        return False
    if len(iban) != _IBAN_LENGTHS.get(iban[:2], len(iban)):
        return False
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(each, 36)) for each in turned)) % 97 == 1


def listing_key(text: str) -> str:
    """A name or number as lists compare it: NFKC, no case, letters and digits only."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(each for each in folded if each.isalnum())
