"""Messages: one receipt an addressee, sent now or on their day, and honest about the channel."""

from datetime import timedelta

import pytest
from tests.orders.little_bank import LittleBank

from bankside.kernel.errors import BanksideError

MESSAGES, REMINDERS = "engage.messages", "engage.maturity-reminders"


async def test_every_addressee_has_a_receipt_that_says_it_was_simulated(bank: LittleBank) -> None:
    await bank.account()
    asked = {
        "audience": [{"party": bank.customer}, {"party": bank.customer}],
        "template": "payment-received",
        "variables": {"amount": "12.00 CNY"},
    }

    sent = await bank.shown(f"{MESSAGES}.create", asked)
    first = await bank.shown(f"{MESSAGES}.receipts", path=sent["id"], query={"limit": "1"})
    last = await bank.shown(
        f"{MESSAGES}.receipts", path=sent["id"], query={"cursor": first["next_cursor"]}
    )

    assert sent["status"] == "sent"
    assert first["items"][0]["text"]["en"] == "You have received 12.00 CNY."
    assert [each["simulated"] for each in first["items"] + last["items"]] == [True, True]
    assert last["next_cursor"] is None


async def test_a_template_without_its_variables_sends_nothing(bank: LittleBank) -> None:
    await bank.account()

    with pytest.raises(BanksideError) as refused:
        await bank.call(
            f"{MESSAGES}.create",
            {"audience": [{"party": bank.customer}], "template": "payment-received"},
        )

    assert refused.value.code == "message.invalid"


async def test_a_stranger_gets_no_message(bank: LittleBank) -> None:
    with pytest.raises(BanksideError) as refused:
        await bank.call(
            f"{MESSAGES}.create",
            {
                "audience": [{"party": "cus_nobody"}],
                "template": "notice",
                "variables": {"text": "x"},
            },
        )

    assert refused.value.errors[0]["pointer"] == "/audience/0/party"


async def test_a_reminder_waits_for_its_day(bank: LittleBank) -> None:
    await bank.account()
    asked = {
        "audience": [{"party": bank.customer}],
        "template": "maturity",
        "variables": {"product": "定期存款", "date": "2026-03-05"},
        "send_on": "2026-03-04",
    }
    planned = await bank.shown(f"{REMINDERS}.create", asked)
    await bank.orders.expire()
    early = await bank.shown(f"{REMINDERS}.query", path=planned["id"])
    bank.clock.advance(timedelta(days=2))

    await bank.orders.expire()

    shown = await bank.shown(f"{REMINDERS}.query", path=planned["id"])
    assert (early["status"], shown["status"], shown["state"]) == ("scheduled", "sent", "completed")
