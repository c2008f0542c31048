"""Partners register clients of the authorization server by a signed call; sandbox only."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.identity.fapi.rig import public_jwk
from tests.orders.little_bank import LittleBank
from tests.partners.builders import a_partner, an_app

from bankside.identity.clients import (
    ClientExists,
    ClientUnknown,
    KeySetAddressInvalid,
    KeySetInvalid,
    RedirectURIInvalid,
    ScopeUnknown,
)
from bankside.kernel.db import transaction
from bankside.orders.errors import InputInvalid, SandboxOnly
from bankside.partners import AppUnknown

CREATE = "platform.oauth-clients.create"
LIST = "platform.oauth-clients.list"
AMEND = "platform.oauth-client-amendments.create"
KEY = {**public_jwk("ES256", "client"), "kid": "one"}
REQUEST: dict[str, Any] = {
    "redirect_uris": [{"uri": "https://app.example/callback"}],
    "scope": "openid accounts",
    "keys": [KEY],
}


@dataclass
class Partner:
    """A real partner with an app, and calls of it."""

    bank: LittleBank
    app: str

    async def call(self, operation: str, body: Any = None) -> Any:
        return await self.bank.call(operation, body)

    async def create(self, **change: Any) -> Any:
        body = {"app": self.app} | REQUEST | change
        return await self.call(CREATE, {k: v for k, v in body.items() if v is not None})

    async def listed(self) -> Any:
        return (await self.call(LIST)).body["items"]


async def a_caller(bank: LittleBank) -> Partner:
    async with transaction(bank.pool) as db:
        made = await a_partner(db, bank.clock)
        app = await an_app(db, bank.clock, made)
    return Partner(replace(bank, partner=made.id), app.id)


@pytest.fixture
async def partner(bank: LittleBank) -> Partner:
    return await a_caller(bank)


async def test_a_partner_registers_lists_and_amends_a_client(partner: Partner) -> None:
    made = await partner.create(sender_constraint="mtls", backchannel=True)

    amended = await partner.call(
        AMEND,
        {
            **REQUEST,
            "client": partner.app,
            "request_object_signing_alg": "ES256",
            "scope": "openid",
        },
    )
    listed = await partner.call(LIST)

    assert (made.status, made.body["client"], made.body["version"]) == (201, partner.app, 1)
    assert (made.body["sender_constraint"], made.body["backchannel"]) == ("mtls", True)
    assert amended.body["version"] == 2
    assert amended.body["request_object_signing_alg"] == "ES256"
    assert (amended.body["scope"], amended.body["sender_constraint"]) == ("openid", "dpop")
    assert listed.body == {"items": [amended.body], "next_cursor": None}


async def test_the_same_app_is_registered_once(partner: Partner) -> None:
    await partner.create()

    with pytest.raises(ClientExists):
        await partner.create()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"scope": "openid admin"}, ScopeUnknown),
        ({"redirect_uris": [{"uri": "http://app.example/"}]}, RedirectURIInvalid),
        ({"redirect_uris": []}, InputInvalid),
        ({"redirect_uris": ["https://app.example/"]}, InputInvalid),
        ({"keys": [{**KEY, "d": "secret"}]}, InputInvalid),
        ({"keys": [{**KEY, "kty": "oct"}]}, InputInvalid),
        ({"keys": [{**KEY, "x": KEY["y"]}]}, KeySetInvalid),
        ({"keys": [KEY, KEY]}, KeySetInvalid),
        ({"keys": None}, InputInvalid),
        ({"jwks_uri": "https://keys.example/"}, KeySetInvalid),
        ({"keys": None, "jwks_uri": "http://10.0.0.1/"}, KeySetAddressInvalid),
        ({"sender_constraint": "none"}, InputInvalid),
        ({"request_object_signing_alg": "RS256"}, InputInvalid),
        ({"backchannel": "yes"}, InputInvalid),
        ({"surprise": "x"}, InputInvalid),
        ({"app": "app_unknown"}, AppUnknown),
    ],
)
async def test_a_record_that_cannot_be_is_refused_and_changes_nothing(
    partner: Partner, change: dict[str, Any], refusal: type[Exception]
) -> None:

    with pytest.raises(refusal):
        await partner.create(**change)

    assert await partner.listed() == []


async def test_another_partners_app_and_client_are_unknown(
    partner: Partner, bank: LittleBank
) -> None:
    await partner.create()
    stranger = await a_caller(bank)

    with pytest.raises(AppUnknown):
        await stranger.create(app=partner.app)
    with pytest.raises(ClientUnknown):
        await stranger.call(AMEND, {**REQUEST, "client": partner.app})
    assert await stranger.listed() == []


async def test_a_live_app_is_not_registered_by_its_partner_alone(partner: Partner) -> None:
    partner.bank.environment = "live"

    with pytest.raises(SandboxOnly):
        await partner.create()
    with pytest.raises(SandboxOnly):
        await partner.call(AMEND, {**REQUEST, "client": partner.app})
