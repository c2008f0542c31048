"""The demo's staff and partner users, one of each role, enrolled with a password and a code."""

from collections.abc import Sequence
from typing import Any

from bankside.app.demo import keyfiles
from bankside.app.demo.dataspace import Authenticators
from bankside.app.demo.spec import PersonSpec, demo_id
from bankside.identity.factors import set_totp
from bankside.identity.people import NewPerson, PersonUnknown, create_person, equip, person_of
from bankside.identity.realms import Realm
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import PersonId


async def seed_people(
    db: Connection,
    clock: Clock,
    factors: Authenticators,
    realm: Realm,
    space: str,
    people: Sequence[PersonSpec],
) -> list[dict[str, Any]]:
    """These people stand; what ``demo.json`` tells of them."""
    told = []
    for spec in people:
        person_id = PersonId(demo_id("person", space, spec.key))
        secret = keyfiles.totp_secret(factors.home, f"{realm.value}-{space}-{spec.key}")
        try:
            person = await person_of(db, space, person_id)
        except PersonUnknown:
            new = NewPerson(
                realm=realm,
                partner=space,
                login=spec.login,
                name=spec.name,
                roles=spec.roles,
                id=person_id,
            )
            person = await create_person(db, clock, new)
        if person.enrolled_at is None:
            await equip(db, clock, factors.vault, person, password=spec.password, secret=secret)
        else:
            # A lost key file made a new secret: the bank takes that one from now on.
            await set_totp(db, clock, factors.vault, space, person_id, secret=secret)
        told.append(
            {
                "id": person_id,
                "partner": space,
                "name": spec.name,
                "login": spec.login,
                "password": spec.password,
                "totp_secret": secret,
                "roles": list(spec.roles),
            }
        )
    return told
