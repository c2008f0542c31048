"""Use cases of the beneficiaries slice; each runs in the caller's transaction."""

from collections.abc import Collection

from bankside.bank.accounts import account as find_account
from bankside.bank.beneficiaries import store
from bankside.bank.beneficiaries.model import Beneficiary, NewBeneficiary
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import new_id

# As many as one list shows; an account with more keeps its newest out of it (none has so many).
BENEFICIARIES_MAX = 500


async def keep_beneficiary(
    db: Connection, clock: Clock, partner: str, asked: NewBeneficiary
) -> None:
    """The payee is kept for the account; keeping it again changes nothing.

    Raises AccountNotFound.
    """
    owner = await find_account(db, partner, asked.account)
    kept = Beneficiary(
        id=new_id("beneficiary", clock),
        partner=partner,
        account=owner.id,
        name=asked.name,
        creditor_account=asked.creditor_account,
        reference=asked.reference,
        trusted=asked.trusted,
    )
    await store.insert(db, kept, at=clock.now())


async def beneficiaries_of(
    db: Connection, partner: str, accounts: Collection[str]
) -> list[Beneficiary]:
    """The payees kept for these accounts (ids), by account and id, at most BENEFICIARIES_MAX."""
    return await store.of_accounts(db, partner, list(accounts), limit=BENEFICIARIES_MAX)
