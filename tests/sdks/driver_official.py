"""Runs the unmodified alipay-sdk-python: one JSON command a line in, one JSON result a line out."""

import importlib
import json
import sys
from typing import Any

from alipay.aop.api.AlipayClientConfig import AlipayClientConfig
from alipay.aop.api.DefaultAlipayClient import DefaultAlipayClient

clients: list[DefaultAlipayClient] = []


def configure(config: dict[str, str], **_: Any) -> str:
    """Build the client; keys as the SDK wants them: base64 of PKCS#1 and of the public key."""
    made = AlipayClientConfig()
    for name, value in config.items():
        setattr(made, name, value)
    clients[:] = [DefaultAlipayClient(made)]
    return "alipay-sdk-python"


def prepared(method: str, content: Any, common: dict[str, str]) -> Any:
    """The SDK's own request object of a method, its business model filled from ``content``."""
    stem = "".join(part.capitalize() for part in method.split("."))
    module = importlib.import_module(f"alipay.aop.api.request.{stem}Request")
    request = getattr(module, f"{stem}Request")()
    request.biz_content = content
    for name, value in common.items():
        if name == "app_auth_token":
            # The SDK has no setter for it: partners add it as a user-defined parameter.
            request.add_other_text_param(name, value)
        else:
            setattr(request, name, value)
    return request


def execute(
    method: str, content: Any, common: dict[str, str] | None = None, **_: Any
) -> dict[str, Any]:
    """Call the gateway; the verified node."""
    answer: dict[str, Any] = json.loads(clients[0].execute(prepared(method, content, common or {})))
    return answer


def page(
    method: str, verb: str, content: Any, common: dict[str, str] | None = None, **_: Any
) -> str:
    """The address or form of a page method."""
    text: str = clients[0].page_execute(prepared(method, content, common or {}), http_method=verb)
    return text


def order(method: str, content: Any, common: dict[str, str] | None = None, **_: Any) -> str:
    """The order string that an app opens."""
    text: str = clients[0].sdk_execute(prepared(method, content, common or {}))
    return text


COMMANDS = {"configure": configure, "exec": execute, "page": page, "order": order}

for line in sys.stdin:
    command = json.loads(line)
    try:
        outcome = {"ok": True, "value": COMMANDS[command.pop("do")](**command)}
    except Exception as error:  # noqa: BLE001 - the SDK raises many kinds; the test looks at them
        outcome = {"ok": False, "error": {"name": type(error).__name__, "message": str(error)}}
    print(json.dumps(outcome), flush=True)
