"""Runs the unmodified python-alipay-sdk (in its own environment): JSON lines in, JSON lines out."""

import json
import sys
from typing import Any

from alipay import AliPay, ISVAliPay

clients: list[AliPay] = []


def configure(config: dict[str, Any], **_: Any) -> str:
    """Build the client and point it at our gateway; with a token it acts for a tenant."""
    gateway = config.pop("gateway")
    made = ISVAliPay(**config) if "app_auth_token" in config else AliPay(**config)
    made._gateway = gateway
    clients[:] = [made]
    return "python-alipay-sdk"


def execute(
    method: str, content: Any, common: dict[str, str] | None = None, **_: Any
) -> dict[str, Any]:
    """Call the gateway by GET; the verified node."""
    node: dict[str, Any] = clients[0].server_api(method, content, **(common or {}))
    return node


def notify(form: dict[str, str], **_: Any) -> bool:
    """Whether the SDK believes a callback."""
    data = dict(form)
    return bool(clients[0].verify(data, data.pop("sign")))


def page(method: str, content: Any, common: dict[str, str] | None = None, **_: Any) -> str:
    """The query string of a page method, and the order string that an app opens."""
    text: str = clients[0].client_api(method, content, **(common or {}))
    return text


COMMANDS = {"configure": configure, "exec": execute, "notify": notify, "page": page, "order": page}

for line in sys.stdin:
    command = json.loads(line)
    try:
        outcome = {"ok": True, "value": COMMANDS[command.pop("do")](**command)}
    except Exception as error:  # noqa: BLE001 - the SDK raises many kinds; the test looks at them
        outcome = {"ok": False, "error": {"name": type(error).__name__, "message": str(error)}}
    print(json.dumps(outcome), flush=True)
