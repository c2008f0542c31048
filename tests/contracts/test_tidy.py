"""The house rules find what they forbid: each rule gets a planted fault, and one clean module."""

import textwrap
from pathlib import Path

import pytest
from tools import tidy

PLANTED = {
    "size": ("bank/long.py", '"""Doc."""\n' + "x = 1\n" * 401),
    "room": ("warehouse/model.py", '"""Doc."""\n'),
    "docstring": ("bank/model.py", "x = 1\n"),
    "arguments": ("bank/a.py", '"""Doc."""\ndef f(a, b, c, d, e, f, g):\n    return a\n'),
    "clock": ("bank/a.py", '"""Doc."""\nfrom datetime import datetime\nx = datetime.now()\n'),
    "float-money": ("bank/a.py", '"""Doc."""\ndef half(amount):\n    return amount / 2\n'),
    "commit": ("bank/ledger/store.py", '"""Doc."""\nasync def f(db):\n    await db.commit()\n'),
    "sql-place": ("bank/ledger/service.py", '"""Doc."""\nQ = "select a from bank.entries"\n'),
    "sql-schema": ("bank/ledger/store.py", '"""Doc."""\nQ = "select a from orders.orders"\n'),
    "door": ("orders/a.py", '"""Doc."""\nfrom bankside.bank.ledger.store import post\n'),
    "late-import": ("orders/a.py", '"""Doc."""\ndef f():\n    import bankside.bank\n'),
    "pure": ("orders/rules.py", '"""Doc."""\nimport asyncpg\n'),
}


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_fault_is_found(rule: str, tmp_path: Path) -> None:
    place, text = PLANTED[rule]
    module = tmp_path / place
    module.parent.mkdir(parents=True)
    module.write_text(text, encoding="utf-8")

    found = tidy.check(tmp_path)

    assert rule in {finding.rule for finding in found}


def test_a_clean_module_has_no_findings(tmp_path: Path) -> None:
    module = tmp_path / "bank" / "ledger" / "store.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        textwrap.dedent('''
        """What the ledger asks the database."""
        BALANCE = "select balance from bank.ledger_accounts where account_id = $1"
        ''').lstrip()
    )

    assert tidy.check(tmp_path) == []


def test_an_escape_needs_a_written_reason(tmp_path: Path) -> None:
    module = tmp_path / "bank" / "a.py"
    module.parent.mkdir(parents=True)
    bare = '"""Doc."""\ndef half(amount):\n    return amount / 2  # tidy: float-money\n'
    module.write_text(bare)
    assert [each.rule for each in tidy.check(tmp_path)] == ["float-money"]

    module.write_text(bare.replace("float-money", "float-money - a ratio for a chart, not money"))
    assert tidy.check(tmp_path) == []


def test_the_package_itself_is_tidy() -> None:
    assert [str(finding) for finding in tidy.check(tidy.ROOT / "src" / "bankside")] == []
