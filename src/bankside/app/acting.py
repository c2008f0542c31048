"""A platform operation carried out in an app's name from the bank's own terminal."""

import secrets
from collections.abc import Mapping
from typing import Any

from bankside.app.executing import executing
from bankside.app.publish import catalogue
from bankside.catalog import route_of
from bankside.kernel.call import Answer, Call
from bankside.kernel.caller import Caller
from bankside.kernel.clock import Clock
from bankside.kernel.db import Pool
from bankside.kernel.secrets import Vault
from bankside.partners import AppUnknown, snapshot_view


async def act_as(
    pool: Pool, clock: Clock, vault: Vault, what: tuple[str, str], body: Mapping[str, Any]
) -> Mapping[str, Any]:
    """``what`` is (app, operation); the body of the answer. Raises AppUnknown and its refusals.

    The app is looked up with what its snapshot says of it: its data space and the clock there.
    """
    app_id, operation = what
    async with pool.acquire() as db:
        app = (await snapshot_view(db, clock)).apps.get(app_id)
    if app is None:
        raise AppUnknown(f"there is no app {app_id}")
    shipped = catalogue()
    found = shipped.operations[operation]
    call = Call(
        operation=route_of(shipped.product(found.product), found, available=True),
        caller=Caller(
            app.partner, app.id, environment=app.environment, ahead_s=app.ahead_s, wire="terminal"
        ),
        body=body,
        idempotency_key=secrets.token_hex(16),
    )
    async with executing(pool, clock, vault=vault) as orders:
        outcome = orders.handle(call)
        answer = outcome if isinstance(outcome, Answer) else await outcome
    assert isinstance(answer.body, Mapping)
    return answer.body
