"""`bankside staff` and `bankside user`: a link that works, honest tables, refusals that say why."""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bankside.cli import people
from bankside.cli.output import DONE, REFUSED
from bankside.identity.people import EnrolmentUnknown, PersonInvalid, PersonUnknown, enrolment_of
from bankside.identity.realms import Realm
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.secrets import Vault
from bankside.partners import PartnerUnknown, create_partner

_numbers = itertools.count(1)


@dataclass
class Here:
    """An installation of its own folder on the tests' database."""

    home: Path
    clock: FixedClock
    database: Pool
    issuer: str = "https://bank.example"

    @asynccontextmanager
    async def pool(self) -> AsyncIterator[Pool]:
        yield self.database


@pytest.fixture
def here(tmp_path: Path, clock: FixedClock, pool: Pool) -> Any:
    return Here(tmp_path, clock, pool)


def a_login() -> str:
    return f"command.{next(_numbers)}"


async def test_a_staff_member_is_entered_and_the_link_opens(
    here: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    wish = people.Wish(a_login(), "Ning", ("operator",))

    assert await people.create(here, people.space_of(None), wish, as_json=True) == DONE

    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["roles"]) == ("invited", ["operator"])
    face, link = told["link"].removeprefix("https://bank.example/").split("/enrol/")
    assert face == "staff"
    async with transaction(here.database) as db:
        found = await enrolment_of(db, here.clock, Vault.at(here.home), Realm.STAFF, link)
        assert found.person.login == wish.login
        with pytest.raises(EnrolmentUnknown):
            await enrolment_of(db, here.clock, Vault.at(here.home), Realm.PARTNER, link)


async def test_a_user_belongs_to_a_partner_that_exists(
    here: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    wish = people.Wish(a_login(), "", ("owner",))
    with pytest.raises(PartnerUnknown):
        await people.create(here, people.space_of("prt_nobody"), wish, as_json=True)
    async with transaction(here.database) as db:
        partner = await create_partner(db, here.clock, name_zh="甲", name_en="A")
    space = people.space_of(partner.id)
    with pytest.raises(PersonInvalid):
        await people.create(here, space, people.Wish(a_login(), "", ("operator",)), as_json=True)

    await people.create(here, space, wish, as_json=False)
    assert "/partner/enrol/" in capsys.readouterr().out
    await people.every(here, space, as_json=False)

    assert wish.login in capsys.readouterr().out


async def test_roles_blocking_and_reasons_are_told(
    here: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    space, login = people.space_of(None), a_login()
    await people.create(here, space, people.Wish(login, "", ("operator",)), as_json=True)
    may = await people.why(here, space, login, "order.retry", as_json=False)
    assert may == DONE
    await people.give_roles(here, space, login, ("operator", "auditor"), as_json=True)
    capsys.readouterr()

    assert await people.why(here, space, login, "order.retry", as_json=False) == REFUSED
    assert "denied by auditor" in capsys.readouterr().out
    await people.block(here, space, login, blocked=True, as_json=True)
    assert json.loads(capsys.readouterr().out)["state"] == "blocked"
    await people.renew(here, space, login, as_json=True)
    with pytest.raises(PersonUnknown):
        await people.why(here, space, "nobody.here", "order.retry", as_json=False)
