"""Our states in the words of the standards: data, so that a new edition is a table and no code.

Source: security guide, section 7. UK Open Banking Read/Write 3.1 (the lists in its 3.1.7 files),
NextGenPSD2 1.3 (``consentStatus`` of a 1.3.8 file). The codes of UK 4.0 are the guide's and
unverified: nothing that we serve says them.

A word of None: the standard has none for this state. UK 3.1 has none for an account consent whose
time is over (ExpirationDateTime tells it), and a payment that nobody answered for or made in time
counts as rejected there.
"""

from collections.abc import Mapping
from enum import StrEnum

from bankside.identity.consents.model import Consent, ConsentKind, ConsentStatus

_S = ConsentStatus

Words = Mapping[ConsentStatus, str | None]


class Standard(StrEnum):
    """A standard and the edition whose words are meant."""

    UK_3_1 = "uk-3.1"
    UK_4_0 = "uk-4.0"
    BERLIN_1_3 = "berlin-1.3"


# Editions whose words nobody has compared with the published files yet.
UNVERIFIED = frozenset({Standard.UK_4_0})

_UK_3_1: Words = {
    _S.AWAITING_AUTHORISATION: "AwaitingAuthorisation",
    _S.AUTHORISED: "Authorised",
    _S.CONSUMED: None,
    _S.REJECTED: "Rejected",
    _S.REVOKED: "Revoked",
    _S.TERMINATED: "Revoked",
    _S.EXPIRED: None,
}
_UK_3_1_PAYMENT: Words = {
    _S.AWAITING_AUTHORISATION: "AwaitingAuthorisation",
    _S.AUTHORISED: "Authorised",
    _S.CONSUMED: "Consumed",
    _S.REJECTED: "Rejected",
    _S.REVOKED: "Rejected",
    _S.TERMINATED: "Rejected",
    _S.EXPIRED: "Rejected",
}
_UK_4_0: Words = {
    _S.AWAITING_AUTHORISATION: "AWAU",
    _S.AUTHORISED: "AUTH",
    _S.CONSUMED: "COND",
    _S.REJECTED: "RJCT",
    _S.REVOKED: "CANC",
    _S.TERMINATED: "CANC",
    _S.EXPIRED: "EXPD",
}
_BERLIN_1_3: Words = {
    _S.AWAITING_AUTHORISATION: "received",
    _S.AUTHORISED: "valid",
    # A consent that is used up is over; Berlin knows no other word for it.
    _S.CONSUMED: "expired",
    _S.REJECTED: "rejected",
    _S.REVOKED: "revokedByPsu",
    _S.TERMINATED: "terminatedByTpp",
    _S.EXPIRED: "expired",
}
_EVERY = tuple(ConsentKind)
WORDS: Mapping[tuple[Standard, ConsentKind], Words] = {
    (Standard.UK_3_1, ConsentKind.ACCOUNT_ACCESS): _UK_3_1,
    (Standard.UK_3_1, ConsentKind.FUNDS_CONFIRMATION): _UK_3_1,
    (Standard.UK_3_1, ConsentKind.PAYMENT): _UK_3_1_PAYMENT,
    (Standard.UK_3_1, ConsentKind.RECURRING_PAYMENTS): {**_UK_3_1, _S.EXPIRED: "Expired"},
    **{(Standard.UK_4_0, kind): _UK_4_0 for kind in _EVERY},
    **{(Standard.BERLIN_1_3, kind): _BERLIN_1_3 for kind in _EVERY},
}


def status_word(consent: Consent, standard: Standard) -> str:
    """What a standard calls the state a consent is in, told now (``service`` made it effective).

    Where it has no word for the end of time, the last one it had: the date beside it tells.
    """
    words = WORDS[standard, consent.kind]
    word = words[consent.status]
    if word is None:
        last = _S.AUTHORISED if consent.authorised_at else _S.AWAITING_AUTHORISATION
        word = words[last]
    assert word is not None, "states that lead on have a word in every standard"
    return word
