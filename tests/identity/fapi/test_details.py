"""Authorization details (RFC 9396): closed schemas, exact amounts, no growth."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identity.fapi.rig import ACCOUNTS, PAYMENT, FAPIClient, World, refused_as

from bankside.identity import ApprovalTooLarge
from bankside.identity.authorisations.details import asked_details, is_choice_of
from bankside.identity.errors import DetailsInvalid

TYPES = frozenset({"account_information", "payment_initiation"})


def payment(**change: Any) -> dict[str, Any]:
    return {**PAYMENT, **change}


def of_amount(amount: Any, currency: Any = "CNY") -> dict[str, Any]:
    return payment(instructedAmount={"currency": currency, "amount": amount})


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "unknown"},
        {"type": 7},
        {},
        "text",
        None,
        of_amount("-1.00"),
        of_amount("0.00"),
        of_amount("1e3"),
        of_amount("1.234"),
        of_amount(1.5),
        of_amount(1),
        of_amount("1,00"),
        of_amount("01.00"),
        of_amount(" 1.00"),
        of_amount("１.00"),
        of_amount("9" * 20),
        of_amount("1.5", "JPY"),
        of_amount("1.00", "XXX"),
        of_amount("1.00", 7),
        payment(debtorAccount={"id": "acc_1"}),
        payment(extra=1),
        payment(creditorName=""),
        payment(creditorName=" "),
        payment(creditorName="a\0b"),
        payment(creditorName="\ud800"),
        payment(creditorName="x" * 141),
        payment(creditorAccount={}),
        payment(creditorAccount={"iban": "no"}),
        payment(creditorAccount="6222"),
        {"type": "payment_initiation"},
        {"type": "account_information"},
        {**ACCOUNTS, "actions": []},
        {**ACCOUNTS, "actions": ["pay"]},
        {**ACCOUNTS, "actions": ["read_balances", "read_balances"]},
        {**ACCOUNTS, "accounts": ["acc_1"]},
        {**ACCOUNTS, "permissions": ["all"]},
        {**ACCOUNTS, "locations": ["javascript:alert(1)"]},
        {**ACCOUNTS, "validUntil": "tomorrow"},
    ],
)
async def test_details_outside_their_schema_are_refused(client: FAPIClient, entry: Any) -> None:
    form = client.request_form("v" * 43, authorization_details=json.dumps([entry]))

    answer = await client.post("/oauth/par", form, proof=None)

    assert refused_as(answer) == (400, "invalid_authorization_details"), answer.text


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        "[]",
        "null",
        "[" * 5000,
        "[NaN]",
        '[{"type":"payment_initiation","type":"account_information"}]',
        json.dumps([ACCOUNTS] * 6),
        json.dumps([{**ACCOUNTS, "purpose": "x" * 9000}]),
    ],
)
async def test_details_that_are_no_list_of_objects_are_refused(
    client: FAPIClient, text: str
) -> None:
    form = client.request_form("v" * 43, authorization_details=text)

    answer = await client.post("/oauth/par", form, proof=None)

    assert refused_as(answer) == (400, "invalid_authorization_details"), answer.text


async def test_a_type_that_is_not_registered_for_the_client_is_refused(world: World) -> None:
    client = await world.client(scopes=["openid", "accounts"])

    form = client.request_form("v" * 43, authorization_details=json.dumps([PAYMENT]))
    answer = await client.post("/oauth/par", form, proof=None)

    assert refused_as(answer) == (400, "invalid_authorization_details")


async def test_the_page_is_shown_what_the_client_asked_for(client: FAPIClient) -> None:
    asked = json.dumps([ACCOUNTS, PAYMENT])

    found = await client.interaction(await client.push(authorization_details=asked))

    assert found.authorization_details == (ACCOUNTS, PAYMENT)
    assert found.purpose == "Budget planning"


async def test_what_the_customer_chose_comes_back_with_the_token(client: FAPIClient) -> None:
    pushed = await client.push(authorization_details=json.dumps([ACCOUNTS, PAYMENT]))
    chosen = {**ACCOUNTS, "accounts": ["acc_1", "acc_2"]}
    _, address = await client.say_yes(
        await client.interaction(pushed), authorization_details=(chosen,)
    )

    code = address.partition("code=")[2].partition("&")[0]
    body = (await client.exchange(code, pushed)).json()

    assert body["authorization_details"] == [chosen]


@pytest.mark.parametrize(
    "approved",
    [
        {"authorization_details": (of_amount("999.00"),)},
        {"authorization_details": (PAYMENT, PAYMENT)},
        {"authorization_details": (ACCOUNTS,)},
        {"authorization_details": (payment(creditorName="Thief"),)},
        {"scopes": frozenset({"openid", "payments"})},
        {"scopes": frozenset(), "authorization_details": ()},
    ],
)
async def test_no_more_is_approved_than_was_asked(
    client: FAPIClient, approved: dict[str, Any]
) -> None:
    found = await client.interaction(
        await client.push(scope="openid", authorization_details=json.dumps([PAYMENT]))
    )

    with pytest.raises(ApprovalTooLarge):
        await client.say_yes(found, **approved)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_hostile_text_is_refused_or_kept_whole(text: str) -> None:
    entry = {**ACCOUNTS, "purpose": text}
    try:
        found = asked_details(json.dumps([entry]), allowed=TYPES)
    except DetailsInvalid:
        return
    assert found == (entry,)
    assert is_choice_of(found, [entry])


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["type", "actions", "instructedAmount"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_json_is_refused_or_kept_whole(value: Any) -> None:
    try:
        found = asked_details(json.dumps([value]), allowed=TYPES)
    except DetailsInvalid:
        return
    assert found == (value,)
