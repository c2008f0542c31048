"""Factors: what proves a person beside the password. TOTP today (RFC 6238); passkeys will follow.

Always true: a factor's secret stands in the database only sealed (purpose ``totp:<data
space>:<person>``); a code is taken once, and after it no older one.

Public: new_totp_secret, set_totp, has_totp, take_totp, SecretInvalid.
"""

from bankside.identity.factors.errors import SecretInvalid
from bankside.identity.factors.rules import new_totp_secret
from bankside.identity.factors.service import has_totp, set_totp, take_totp

__all__ = ["SecretInvalid", "has_totp", "new_totp_secret", "set_totp", "take_totp"]
