"""The content node of v2 answers: JSON text that every public SDK cuts out at the same place.

Always true: compact JSON of texts only; braces inside each text are balanced, because one SDK
counts them without looking at quotes; our own string to sign is shown with secrets masked.
Source: the dialect's trap table (wire-protocol rules, section 4).
"""

import json
import re
from collections.abc import Mapping
from typing import Any

# Longer strings to sign are cut: the doctor shows all of it, an answer only has to help.
SHOWN_MAX = 4_096
# Parameters and business fields of class C3 (credentials): never repeated back.
_SECRET_PARAMETERS = frozenset({"app_auth_token", "auth_token"})
_SECRET_FIELDS = re.compile(
    r'("(?:auth_code|payer_token|token|password|pin|cert_no)"\s*:\s*"?)'
    r'((?<=")(?:[^"\\]|\\.)*|[0-9]+)'
)


def node_text(node: Mapping[str, Any]) -> str:
    """The JSON text of a node; empty fields are left out."""
    fields = {name: balanced(value) for name, value in node.items() if value not in {None, ""}}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def balanced(text: str) -> str:
    """``text`` when its braces nest, else with every brace written as a parenthesis."""
    depth = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            break
    if depth == 0:
        return text
    return text.replace("{", "(").replace("}", ")")


def shown(params: Mapping[str, str]) -> str:
    """The string to sign as the caller may see it: cut to ``SHOWN_MAX``, secrets as asterisks.

    An asterisk a character: everything else keeps its place beside the caller's own string.
    """
    parts = []
    for name, value in sorted(params.items()):
        if name == "sign" or not value:
            continue
        hidden = (
            "*" * len(value) if name in _SECRET_PARAMETERS else _SECRET_FIELDS.sub(_hide, value)
        )
        parts.append(f"{name}={hidden}")
    text = "&".join(parts)
    return text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "..."


def _hide(match: re.Match[str]) -> str:
    return match[1] + "*" * len(match[2])
