"""The partner's page of events, made from the schemas the code publishes by.

Usage: ``python -m tools.event_docs`` writes the document; a test fails when it is another one.
"""

import json
from pathlib import Path

from bankside.orders.event_schemas import FACTS, SCHEMAS

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "partner" / "events.md"
_HEAD = """# Events

Made by `tools/event_docs.py` from the schemas the code publishes by; do not edit. How events \
reach you: [webhooks.md](webhooks.md). A webhook's `data` has the fields below but `app` and `at`. \
Events of one object are numbered without gaps and arrive in that order; fields may be added.

## Facts of an order: `order.<fact>`

| type | happened | 发生了什么 |
| --- | --- | --- |
"""
_ENTRY = """
## Entries of an account: `entry.booked`

Told under a subscription (`POST /v1/account-subscriptions`), one event an entry, from the \
subscription on. Balances, names and remarks are not told: read them with the entry's id.

"""


def document() -> str:
    """The page as it has to stand."""
    rows = [f"| `order.{fact}` | {en} | {zh} |" for fact, (zh, en) in sorted(FACTS.items())]
    return _HEAD + "\n".join(rows) + "\n\n" + _schema("order.") + _ENTRY + _schema("entry.booked")


def _schema(name: str) -> str:
    text = json.dumps(SCHEMAS[name], indent=1, ensure_ascii=False)
    return f"```json\n{text}\n```\n"


def main() -> None:
    """Write the document."""
    DOCUMENT.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
