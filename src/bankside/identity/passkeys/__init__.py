"""Passkeys: public keys that prove a person, by WebAuthn level 2.

Always true: a passkey counts for one person of one space and on one origin; its challenge is
random, bound to the browser that asked, good once and for five minutes; a passkey whose counter
went back is flagged and proves nobody any more. Only with the person verified on the device does it
count for both factors.

Public: RelyingParty, Holder, Offer, Passkey, Ceremony, Answer; registration_options, register;
sign_in_options, read_answer, take_challenge, passkey_for, proof_of, counted; passkeys_of,
has_passkey, remove_passkey, remove_passkeys, forget_challenges; the refusals of ``errors``.
"""

from bankside.identity.passkeys.errors import (
    PasskeyInvalid,
    PasskeyKnown,
    PasskeyNameInvalid,
    PasskeyRefused,
    PasskeysFull,
    PasskeyUnknown,
)
from bankside.identity.passkeys.model import Ceremony, Holder, Offer, Passkey, RelyingParty
from bankside.identity.passkeys.rules import Answer, proof_of, read_answer
from bankside.identity.passkeys.service import (
    counted,
    forget_challenges,
    has_passkey,
    passkey_for,
    passkeys_of,
    register,
    registration_options,
    remove_passkey,
    remove_passkeys,
    sign_in_options,
    take_challenge,
)

__all__ = [
    "Answer",
    "Ceremony",
    "Holder",
    "Offer",
    "Passkey",
    "PasskeyInvalid",
    "PasskeyKnown",
    "PasskeyNameInvalid",
    "PasskeyRefused",
    "PasskeyUnknown",
    "PasskeysFull",
    "RelyingParty",
    "counted",
    "forget_challenges",
    "has_passkey",
    "passkey_for",
    "passkeys_of",
    "proof_of",
    "read_answer",
    "register",
    "registration_options",
    "remove_passkey",
    "remove_passkeys",
    "sign_in_options",
    "take_challenge",
]
