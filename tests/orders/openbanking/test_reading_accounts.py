"""What a client reads with a consent: what the customer allowed, on the accounts it chose, now."""

from datetime import timedelta
from typing import Any

import pytest
from tests.orders.openbanking.open_bank import READS, OpenBank

from bankside.bank.accounts import Account
from bankside.bank.beneficiaries import NewBeneficiary, keep_beneficiary
from bankside.bank.ledger import Group, Leg, group_id
from bankside.bank.standing_orders import NewStandingOrder, set_up
from bankside.identity.consents import ConsentNotActive, ConsentUnknown
from bankside.kernel.clock import booking_date
from bankside.kernel.db import transaction
from bankside.kernel.money import Money
from bankside.orders.openbanking.errors import FieldsInvalid, PermissionMissing, ResourceUnknown


async def moved(ob: OpenBank, debit: Account, credit: Account, amount: str, note: str) -> None:
    leg = Leg(debit.ledger_account, credit.ledger_account, Money.parse(amount, "CNY"))
    await ob.bank.books.commit(Group(group_id(debit.id, credit.id, note), (leg,), narrative=note))


async def test_a_client_sees_the_chosen_account_and_no_other(open_bank: OpenBank) -> None:
    ob = open_bank
    mine, other = await ob.bank.account("100.00"), await ob.bank.account("5.00")
    grant = await ob.reading(mine)

    seen = (await ob.data("accounts.list", grant=grant))["Account"]
    one = (await ob.data("accounts.query", grant=grant, path=mine.id))["Account"]
    money = (await ob.data("account-balances.list", grant=grant, path=mine.id))["Balance"]

    assert [each["AccountId"] for each in seen] == [mine.id]
    assert seen == one
    assert seen[0]["Account"][0]["Identification"] == mine.number
    assert {each["Type"]: each["Amount"]["Amount"] for each in money} == {
        "InterimBooked": "100.00",
        "InterimAvailable": "100.00",
    }
    for name in ("accounts.query", "account-balances.list", "account-transactions.list"):
        for account in (other.id, "acc_00000000000000000000000000", "no such account"):
            with pytest.raises(ResourceUnknown):
                await ob.call(name, grant=grant, path=account)


async def test_without_detail_no_number_is_shown(open_bank: OpenBank) -> None:
    ob = open_bank
    mine = await ob.bank.account("1.00")
    grant = await ob.reading(mine, permissions=["ReadAccountsBasic"])

    (seen,) = (await ob.data("accounts.list", grant=grant))["Account"]

    assert "Account" not in seen
    assert mine.number not in str(seen)


@pytest.mark.parametrize(
    "name",
    [
        "account-balances.list",
        "balances.list",
        "account-transactions.list",
        "transactions.list",
        "account-beneficiaries.list",
        "beneficiaries.list",
        "account-standing-orders.list",
        "standing-orders.list",
        "account-statements.list",
        "statements.list",
        "account-party.query",
        "party.query",
    ],
)
async def test_what_was_not_permitted_is_refused(open_bank: OpenBank, name: str) -> None:
    ob = open_bank
    mine = await ob.bank.account("1.00")
    grant = await ob.reading(mine, permissions=["ReadAccountsBasic"])

    with pytest.raises(PermissionMissing) as refused:
        await ob.call(name, grant=grant, path=mine.id)

    assert (refused.value.status, refused.value.uk_code) == (
        403,
        "UK.OBIE.Resource.ConsentMismatch",
    )


async def test_a_token_without_a_consent_opens_nothing(open_bank: OpenBank) -> None:
    await open_bank.bank.account("1.00")

    for grant in (None, "grt_unknown"):
        with pytest.raises(PermissionMissing):
            await open_bank.call("accounts.list", grant=grant)


async def test_a_consent_is_asked_at_every_use(open_bank: OpenBank) -> None:
    ob = open_bank
    mine = await ob.bank.account("1.00")
    grant = await ob.reading(mine)
    made = await ob.data(
        "account-access-consents.create", {"Data": {"Permissions": READS}, "Risk": {}}
    )
    second = await ob.say_yes(made["ConsentId"], mine)

    await ob.call("accounts.list", grant=second)
    await ob.take_back(made["ConsentId"])

    with pytest.raises(ConsentNotActive) as refused:
        await ob.call("accounts.list", grant=second)
    assert refused.value.uk_code == "UK.OBIE.Resource.InvalidConsentStatus"
    await ob.call("accounts.list", grant=grant)


async def test_a_consent_ends_at_its_instant_and_its_use_is_noted(open_bank: OpenBank) -> None:
    ob = open_bank
    mine = await ob.bank.account("1.00")
    until = ob.bank.clock.now() + timedelta(hours=1)
    made = await ob.data(
        "account-access-consents.create",
        {"Data": {"Permissions": READS, "ExpirationDateTime": until.isoformat()}, "Risk": {}},
    )
    grant = await ob.say_yes(made["ConsentId"], mine)

    ob.bank.clock.advance(timedelta(hours=1) - timedelta(microseconds=1))
    await ob.call("accounts.list", grant=grant)
    used = (await ob.consent(made["ConsentId"])).last_used_at
    ob.bank.clock.advance(timedelta(microseconds=1))

    assert used == ob.bank.clock.now() - timedelta(microseconds=1)
    with pytest.raises(ConsentNotActive):
        await ob.call("accounts.list", grant=grant)


async def test_entries_are_those_of_the_consents_period_and_direction(open_bank: OpenBank) -> None:
    ob = open_bank
    mine, other = await ob.bank.account("100.00"), await ob.bank.account("100.00")
    begins = ob.bank.clock.now() + timedelta(days=1)
    ob.bank.clock.advance(timedelta(days=1))
    await moved(ob, mine, other, "1.00", "at the very start")
    ob.bank.clock.advance(timedelta(days=1))
    await moved(ob, other, mine, "2.00", "a credit")
    ob.bank.clock.advance(timedelta(days=1))
    await moved(ob, mine, other, "3.00", "after the end")
    ends = ob.bank.clock.now() - timedelta(microseconds=1)
    period = {
        "TransactionFromDateTime": begins.isoformat(),
        "TransactionToDateTime": ends.isoformat(),
    }
    both = await ob.reading(mine, **period)
    debits = await ob.reading(
        mine,
        permissions=["ReadAccountsBasic", "ReadTransactionsBasic", "ReadTransactionsDebits"],
        **period,
    )

    seen = (await ob.data("account-transactions.list", grant=both, path=mine.id))["Transaction"]
    basic = (await ob.data("transactions.list", grant=debits))["Transaction"]
    asked = await ob.data(
        "account-transactions.list",
        grant=both,
        path=mine.id,
        query={"fromBookingDateTime": (begins + timedelta(seconds=1)).isoformat()},
    )

    assert [each["TransactionInformation"] for each in seen] == ["a credit", "at the very start"]
    assert [each["CreditDebitIndicator"] for each in seen] == ["Credit", "Debit"]
    assert seen[0]["DebtorAccount"]["Identification"] == other.number
    assert [each["Amount"]["Amount"] for each in basic] == ["1.00"]
    assert not {"TransactionInformation", "Balance", "CreditorAccount"} & set(basic[0])
    assert [each["Amount"]["Amount"] for each in asked["Transaction"]] == ["2.00"]


async def test_pages_lead_through_every_entry_of_every_account_once(open_bank: OpenBank) -> None:
    ob = open_bank
    mine, other = await ob.bank.account("1000.00"), await ob.bank.account("1000.00")
    for number in range(130):
        await moved(ob, mine, other, "1.00", f"n{number}")
    grant = await ob.reading(mine, other)

    ids: list[str] = []
    query: dict[str, str] = {}
    pages = 0
    while True:
        answer = await ob.call("transactions.list", grant=grant, query=query)
        body: Any = answer.body
        ids += [each["TransactionId"] for each in body["Data"]["Transaction"]]
        pages += 1
        following = body["Links"].get("Next")
        if following is None:
            break
        assert following.startswith("https://edge.example/open-banking/v3.1/aisp/transactions?")
        query = {"page": following.partition("page=")[2]}

    assert len(ids) == len(set(ids)) == 262
    assert pages == 3


@pytest.mark.parametrize(
    "query",
    [
        {"fromBookingDateTime": "yesterday"},
        {"toBookingDateTime": "2026-02-30T00:00:00Z"},
        {"page": "acc_x.1"},
        {"page": "acc_x"},
        {"limit": "5"},
        {"fromBookingDateTime": "2026-03-02T00:00:00\u0000"},
    ],
)
async def test_a_malformed_query_is_refused_by_its_parameter(
    open_bank: OpenBank, query: dict[str, str]
) -> None:
    mine = await open_bank.bank.account("1.00")
    grant = await open_bank.reading(mine)

    with pytest.raises(FieldsInvalid) as refused:
        await open_bank.call("transactions.list", grant=grant, query=query)

    (entry,) = refused.value.errors
    assert entry["pointer"] == next(iter(query))
    assert entry["code"].startswith("UK.OBIE.Field.")


async def test_payees_are_named_with_detail_only(open_bank: OpenBank) -> None:
    ob = open_bank
    mine, landlord = await ob.bank.account("1.00"), await ob.bank.account()
    async with transaction(ob.bank.pool) as db:
        kept = NewBeneficiary(
            account=mine.id, name="Landlord", creditor_account=landlord.number, reference="Rent"
        )
        await keep_beneficiary(db, ob.bank.clock, ob.bank.partner, kept)
        await keep_beneficiary(db, ob.bank.clock, ob.bank.partner, kept)
        rent = NewStandingOrder(
            account=mine.id,
            payee_account=landlord.number,
            payee_name="Landlord",
            amount=Money(350000, "CNY"),
            frequency="IntrvlMnthDay:01:05",
            first_on=booking_date(ob.bank.clock),
            reference="Rent",
        )
        await set_up(db, ob.bank.clock, ob.bank.partner, rent)
    names = ("account-beneficiaries.list", "account-standing-orders.list")
    basic = await ob.reading(
        mine,
        permissions=["ReadAccountsBasic", "ReadBeneficiariesBasic", "ReadStandingOrdersBasic"],
    )
    detail = await ob.reading(
        mine,
        permissions=["ReadAccountsBasic", "ReadBeneficiariesDetail", "ReadStandingOrdersDetail"],
    )

    for name in names:
        ((_, [plain]),) = (await ob.data(name, grant=basic, path=mine.id)).items()
        ((_, [named]),) = (await ob.data(name, grant=detail, path=mine.id)).items()
        assert plain["Reference"] == "Rent"
        assert "CreditorAccount" not in plain
        assert named["CreditorAccount"]["Identification"] == landlord.number


async def test_a_month_that_is_over_has_a_statement_that_adds_up(open_bank: OpenBank) -> None:
    ob = open_bank
    mine, other = await ob.bank.account("100.00"), await ob.bank.account()
    ob.bank.clock.advance(timedelta(days=40))
    await moved(ob, mine, other, "30.00", "in April")
    ob.bank.clock.advance(timedelta(days=30))
    detail = await ob.reading(mine, permissions=["ReadAccountsBasic", "ReadStatementsDetail"])
    basic = await ob.reading(mine, permissions=["ReadAccountsBasic", "ReadStatementsBasic"])
    since = await ob.reading(
        mine,
        permissions=["ReadAccountsBasic", "ReadStatementsBasic"],
        TransactionFromDateTime="2026-04-01T00:00:00+08:00",
    )

    seen = (await ob.data("account-statements.list", grant=detail, path=mine.id))["Statement"]
    plain = (await ob.data("statements.list", grant=basic))["Statement"]
    bounded = (await ob.data("statements.list", grant=since))["Statement"]

    assert [each["StatementId"][-7:] for each in seen] == ["2026-04", "2026-03"]
    sums = [[each["Amount"]["Amount"] for each in one["StatementAmount"]] for one in seen]
    assert sums == [["100.00", "70.00"], ["0.00", "100.00"]]
    assert all("StatementAmount" not in each for each in plain)
    assert [each["StatementId"][-7:] for each in bounded] == ["2026-04"]


async def test_the_customer_is_named_when_the_consent_says_so(open_bank: OpenBank) -> None:
    mine = await open_bank.bank.account("1.00")
    grant = await open_bank.reading(
        mine, permissions=["ReadAccountsBasic", "ReadParty", "ReadPartyPSU"]
    )

    owner = (await open_bank.data("account-party.query", grant=grant, path=mine.id))["Party"]
    customer = (await open_bank.data("party.query", grant=grant))["Party"]

    assert owner["PartyId"] == customer["PartyId"] == open_bank.bank.customer
    assert owner["AccountRole"] == "UK.OBIE.Principal"


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"Permissions": ["ReadBalances"]}, "Data.Permissions"),
        ({"Permissions": ["ReadAccountsBasic", "ReadTransactionsBasic"]}, "Data.Permissions"),
        ({"Permissions": ["ReadAccountsBasic", "ReadTransactionsDebits"]}, "Data.Permissions"),
        ({"Permissions": ["ReadAccountsBasic", "ReadOffers"]}, "Data.Permissions.1"),
        ({"Permissions": []}, "Data.Permissions"),
        ({}, "Data.Permissions"),
        ({"Permissions": READS, "Extra": 1}, "Data.Extra"),
        ({"Permissions": READS, "ExpirationDateTime": "soon"}, "Data.ExpirationDateTime"),
    ],
)
async def test_a_consent_that_cannot_be_is_refused_by_its_member(
    open_bank: OpenBank, data: dict[str, Any], path: str
) -> None:
    with pytest.raises(FieldsInvalid) as refused:
        await open_bank.call("account-access-consents.create", {"Data": data, "Risk": {}})

    assert refused.value.errors[0]["pointer"] == path


async def test_a_client_gives_a_consent_back_and_everything_ends(open_bank: OpenBank) -> None:
    ob = open_bank
    mine = await ob.bank.account("1.00")
    made = await ob.data(
        "account-access-consents.create", {"Data": {"Permissions": READS}, "Risk": {}}
    )
    grant = await ob.say_yes(made["ConsentId"], mine)

    gone = await ob.call("account-access-consents.revoke", path=made["ConsentId"])
    again = await ob.call("account-access-consents.revoke", path=made["ConsentId"])
    left = await ob.data("account-access-consents.query", path=made["ConsentId"])

    assert (gone.status, gone.body, again.status) == (204, b"", 204)
    assert left["Status"] == "Revoked"
    with pytest.raises(ConsentNotActive):
        await ob.call("accounts.list", grant=grant)
    ob.client = ob.neighbour
    for name in ("query", "revoke"):
        with pytest.raises(ConsentUnknown):
            await ob.call(f"account-access-consents.{name}", path=made["ConsentId"])
