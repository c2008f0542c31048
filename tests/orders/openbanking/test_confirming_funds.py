"""Confirmation of funds: yes or no for one account, under a consent for just that."""

from typing import Any

import pytest
from tests.orders.openbanking.open_bank import OpenBank, account_of

from bankside.identity.consents import ConsentNotActive, ConsentUnknown
from bankside.kernel.errors import BanksideError
from bankside.orders.openbanking.errors import CurrencyUnsupported, PermissionMissing


def question(consent: str, amount: str, currency: str = "CNY") -> dict[str, Any]:
    money = {"Amount": amount, "Currency": currency}
    return {"Data": {"ConsentId": consent, "Reference": "till 4", "InstructedAmount": money}}


async def test_the_answer_is_yes_or_no_and_never_the_balance(open_bank: OpenBank) -> None:
    ob = open_bank
    mine, other = await ob.bank.account("42.00"), await ob.bank.account("999.00")
    body = {"Data": {"DebtorAccount": account_of(mine)}}
    made = await ob.data("funds-confirmation-consents.create", body)
    with pytest.raises(BanksideError):
        await ob.say_yes(made["ConsentId"], other)
    grant = await ob.say_yes(made["ConsentId"], mine)

    told = [
        await ob.call(
            "funds-confirmations.create", question(made["ConsentId"], amount), grant=grant
        )
        for amount in ("42.00", "42.01")
    ]

    bodies: list[Any] = [each.body for each in told]
    assert [each["Data"]["FundsAvailable"] for each in bodies] == [True, False]
    assert "999" not in str(bodies)
    with pytest.raises(CurrencyUnsupported):
        await ob.call(
            "funds-confirmations.create", question(made["ConsentId"], "1.00", "USD"), grant=grant
        )
    with pytest.raises(PermissionMissing):
        await ob.call("accounts.list", grant=grant)
    await ob.take_back(made["ConsentId"])
    with pytest.raises(ConsentNotActive):
        await ob.call(
            "funds-confirmations.create", question(made["ConsentId"], "1.00"), grant=grant
        )
    left = await ob.data("funds-confirmation-consents.query", path=made["ConsentId"])
    assert left["Status"] == "Revoked"


async def test_nobody_asks_under_anothers_consent(open_bank: OpenBank) -> None:
    ob = open_bank
    mine = await ob.bank.account("42.00")
    body = {"Data": {"DebtorAccount": account_of(mine)}}
    made = await ob.data("funds-confirmation-consents.create", body)
    grant = await ob.say_yes(made["ConsentId"], mine)
    reading = await ob.reading(mine)

    for wrong in (reading, None):
        with pytest.raises(ConsentUnknown):
            await ob.call(
                "funds-confirmations.create", question(made["ConsentId"], "1.00"), grant=wrong
            )
    ob.client = ob.neighbour
    for name in ("query", "revoke"):
        with pytest.raises(ConsentUnknown):
            await ob.call(f"funds-confirmation-consents.{name}", path=made["ConsentId"])
    with pytest.raises(ConsentUnknown):
        await ob.call(
            "funds-confirmations.create", question(made["ConsentId"], "1.00"), grant=grant
        )
