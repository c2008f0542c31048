"""SQL of the beneficiaries slice; every question takes the data space."""

from collections.abc import Sequence
from datetime import datetime

from bankside.bank.beneficiaries.model import Beneficiary
from bankside.kernel.db import Connection
from bankside.kernel.ids import AccountId


async def insert(db: Connection, kept: Beneficiary, *, at: datetime) -> None:
    """Store a payee; one that is kept for the account already stays."""
    await db.execute(
        "insert into bank.beneficiaries (partner_id, beneficiary_id, account_id, name,"
        " creditor_account, reference, trusted, created_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
        kept.partner,
        kept.id,
        kept.account,
        kept.name,
        kept.creditor_account,
        kept.reference,
        kept.trusted,
        at,
    )


async def of_accounts(
    db: Connection, partner: str, accounts: Sequence[str], *, limit: int
) -> list[Beneficiary]:
    """Up to ``limit`` payees of the accounts, by account and id."""
    rows = await db.fetch(
        "select beneficiary_id, account_id, name, creditor_account, reference, trusted"
        " from bank.beneficiaries where partner_id = $1 and account_id = any($2::text[])"
        " order by account_id, beneficiary_id limit $3",
        partner,
        accounts,
        limit,
    )
    return [
        Beneficiary(
            id=row["beneficiary_id"],
            partner=partner,
            account=AccountId(row["account_id"]),
            name=row["name"],
            creditor_account=row["creditor_account"],
            reference=row["reference"],
            trusted=row["trusted"],
        )
        for row in rows
    ]
