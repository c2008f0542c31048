"""`bankside app create` registers a client that can then be signed in with."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.identity.fapi.rig import CALLBACK, FAPIClient, World, public_jwk
from tests.partners.builders import a_partner

from bankside.cli import app
from bankside.kernel.db import Pool, transaction


def here(world: World, home: Path) -> Any:
    """This test's database as the installation a command runs in."""
    published: list[int] = []

    @asynccontextmanager
    async def pool() -> AsyncIterator[Pool]:
        yield world.pool

    async def publish(_: Pool) -> int:
        published.append(1)
        return len(published)

    return SimpleNamespace(
        home=home, clock=world.clock, pool=pool, publish=publish, published=published
    )


async def test_app_create_prints_the_record_of_a_working_client(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = tmp_path / "jwks.json"
    keys.write_text(
        json.dumps({"keys": [{**public_jwk("ES256", "client"), "kid": "client-ES256"}]})
    )
    async with transaction(world.pool) as db:
        partner = await a_partner(db, world.clock)
    installation = here(world, tmp_path)
    wish = app.Wish("Budget app", keys, (CALLBACK,), ("openid", "accounts"))

    code = await app.create(installation, partner.id, wish)

    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert installation.published
    assert printed["redirect_uris"] == [CALLBACK]
    assert printed["token_endpoint_auth_method"] == "private_key_jwt"
    client = FAPIClient(world, printed["client_id"], partner.id)
    assert (await client.exchange(*await client.code())).status_code == 200


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
async def test_a_file_that_is_no_key_set_is_a_usage_error(
    world: World, tmp_path: Path, text: str
) -> None:
    keys = tmp_path / "jwks.json"
    keys.write_text(text)
    wish = app.Wish("Budget app", keys, (CALLBACK,), ("openid",))

    for path in (keys, tmp_path / "missing.json"):
        with pytest.raises(SystemExit) as ended:
            await app.create(
                here(world, tmp_path), "prt_x", app.Wish(**{**_fields(wish), "jwks": path})
            )
        assert ended.value.code == 2


def _fields(wish: app.Wish) -> dict[str, Any]:
    return {name: getattr(wish, name) for name in ("name", "jwks", "redirect_uris", "scopes")}
