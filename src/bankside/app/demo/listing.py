"""``demo.json``: what a script that knows nothing else needs to sign a call on each wire."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bankside.app.demo.keyfiles import write

FILE = "demo.json"
# With this home the command needs no setting; another one is written before it.
HOME_DEFAULT = "var"


def write_demo_json(
    home: Path, facts: Mapping[str, Any], *, edge: str, web: str, issuer: str = ""
) -> Path:
    """The facts of ``seed`` and the addresses stand in ``<home>/demo.json``, mode 0600.

    Each wire of an app gets ``url``: where its calls go; ``issuer`` "": the web address. Paths in
    the file are absolute.
    """
    urls = {"native": edge, "icbc": edge, "alipay": f"{edge}/gateway.do", "alipay3": edge}
    apps = [
        {
            **app,
            "wires": {wire: {**told, "url": urls[wire]} for wire, told in app["wires"].items()},
        }
        for app in facts["apps"]
    ]
    addresses = {"edge": edge, "web": web, "issuer": issuer or web}
    document = addresses | dict(facts) | addresses | {"apps": apps}
    path = home / FILE
    write(path, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    return path


def first_call(home: Path) -> str:
    """A command that makes a signed call and works when pasted; empty without a demo."""
    try:
        demo = msgspec.json.decode((home / FILE).read_bytes())
    except FileNotFoundError:
        return ""
    partner = demo["apps"][0]["partner"]
    owner = next(each for each in demo["customers"] if each["partner"] == partner)
    command = [_command(), "call", "GET", f"/v1/account-balances/{owner['accounts'][0]['id']}"]
    at = f"BANKSIDE_HOME={shlex.quote(str(home.absolute()))} "
    is_default = home.absolute() == Path(HOME_DEFAULT).absolute()
    return ("" if is_default else at) + " ".join(map(shlex.quote, command))


def _command() -> str:
    """The command line of this installation, as one would type it from here."""
    script = Path(sys.executable).parent / "bankside"
    if not script.exists():
        return "bankside"
    here = Path.cwd()
    return os.path.relpath(script) if script.is_relative_to(here) else str(script)
