"""A login and whose it is."""

from dataclasses import dataclass

from bankside.identity.realms import Realm


@dataclass(frozen=True, slots=True)
class Credential:
    """The login of a person; ``partner`` is its space."""

    partner: str
    person: str
    login: str
    realm: Realm = Realm.CUSTOMER
