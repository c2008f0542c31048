"""TOTP codes: which time step a code belongs to.

Source: RFC 6238 (30 s steps, SHA-1, 6 digits: what every authenticator app makes), RFC 4226
section 4 R6 (a secret has at least 128 bits).
"""

import hmac
import re
from datetime import datetime

import pyotp

from bankside.identity.factors.errors import SecretInvalid

STEP_SECONDS = 30
# A code of the step before or after is taken too: phones run a little fast or slow (RFC 6238, 5.2).
STEPS_AROUND = 1

# 26 characters carry 130 bits.
_SECRET = re.compile(r"[A-Z2-7]{26,128}")
_CODE = re.compile(r"[0-9]{6}")


def new_totp_secret() -> str:
    """A fresh secret of 160 bits, in the base 32 text that authenticator apps take."""
    return pyotp.random_base32(32)


def checked_secret(secret: str) -> str:
    """The secret in its one form, or SecretInvalid."""
    plain = secret.replace(" ", "").upper().rstrip("=")
    if not _SECRET.fullmatch(plain):
        raise SecretInvalid
    return plain


def step_at(at: datetime) -> int:
    """The time step of an instant."""
    return int(at.timestamp()) // STEP_SECONDS


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """The time step near ``at`` whose code this is; None for every other text.

    Spaces are left out: apps show ``123 456``. All steps are compared, so time tells nothing.
    """
    plain = "".join(code.split())
    if not _CODE.fullmatch(plain):
        return None
    maker, now = pyotp.TOTP(secret), step_at(at)
    found = None
    for step in range(now - STEPS_AROUND, now + STEPS_AROUND + 1):
        if hmac.compare_digest(maker.generate_otp(step), plain):
            found = step
    return found
