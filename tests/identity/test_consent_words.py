"""Every state of every kind of consent has its word in each standard."""

import json
from dataclasses import replace

import pytest
from tests.identity.builders import asks_access, asks_payment, awaiting

from bankside.catalog import load, openapi
from bankside.identity.consents import (
    UNVERIFIED,
    WORDS,
    Consent,
    ConsentKind,
    ConsentStatus,
    Standard,
    status_word,
)
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection
from bankside.orders import Orders


@pytest.fixture
async def access(db: Connection, clock: FixedClock) -> Consent:
    return (await awaiting(db, clock, asks_access("prt_words")))[0]


@pytest.fixture
async def payment(db: Connection, clock: FixedClock) -> Consent:
    return (await awaiting(db, clock, asks_payment("prt_words")))[0]


def test_no_state_of_no_kind_is_left_out() -> None:
    assert set(WORDS) == {(standard, kind) for standard in Standard for kind in ConsentKind}
    assert all(set(words) == set(ConsentStatus) for words in WORDS.values())


@pytest.mark.parametrize(
    ("status", "uk", "uk_4", "berlin"),
    [
        ("awaiting_authorisation", "AwaitingAuthorisation", "AWAU", "received"),
        ("authorised", "Authorised", "AUTH", "valid"),
        ("rejected", "Rejected", "RJCT", "rejected"),
        ("revoked", "Revoked", "CANC", "revokedByPsu"),
        ("terminated", "Revoked", "CANC", "terminatedByTpp"),
    ],
)
def test_access_is_told_in_the_words_of_the_table(
    access: Consent, status: str, uk: str, uk_4: str, berlin: str
) -> None:
    told = replace(access, status=ConsentStatus(status))

    assert [status_word(told, each) for each in Standard] == [uk, uk_4, berlin]


def test_access_whose_time_is_over_keeps_its_last_word_where_there_is_none(
    access: Consent, clock: FixedClock
) -> None:
    over = replace(access, status=ConsentStatus.EXPIRED)

    assert status_word(over, Standard.UK_3_1) == "AwaitingAuthorisation"
    agreed = replace(over, authorised_at=clock.now())
    assert status_word(agreed, Standard.UK_3_1) == "Authorised"
    assert status_word(agreed, Standard.BERLIN_1_3) == "expired"


def test_a_payment_that_was_made_is_consumed_and_every_other_end_rejected(
    payment: Consent,
) -> None:
    ends = {
        each: status_word(replace(payment, status=each), Standard.UK_3_1) for each in ConsentStatus
    }

    assert ends[ConsentStatus.CONSUMED] == "Consumed"
    for each in ("rejected", "revoked", "terminated", "expired"):
        assert ends[ConsentStatus(each)] == "Rejected"


def test_no_word_that_nobody_compared_is_served() -> None:
    document = json.dumps(openapi(load(), Orders.runnable))

    assert frozenset({Standard.UK_4_0}) == UNVERIFIED
    for (standard, _), words in WORDS.items():
        served = [f'"{word}"' in document for word in words.values() if word]
        assert all(served) if standard is Standard.UK_3_1 else not all(served)
