"""The partner's pages are true: their samples run, their tables are the generated ones."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.platform import Platform
from tools.error_codes import DOCUMENT, document, field_codes, refusals

from bankside.gateway.wires.alipay import method_table

pytestmark = pytest.mark.xdist_group("journeys")

PARTNER = Path(__file__).resolve().parents[2] / "docs" / "partner"
SAMPLE_SECONDS = 60
# Codes the Alipay-style wires make up themselves, from the two facts an error class cannot know.
WIRES_OWN = {"app.unknown", "app.key_missing"}


def samples(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    text = (PARTNER / page).read_text(encoding="utf-8")
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return found


@pytest.mark.parametrize(
    "page", ["first-call.md", "wires.md", "checkout.md", "tokens.md", "open-banking.md"]
)
def test_the_python_of_a_page_runs_from_top_to_bottom(
    page: str, platform: Platform, tmp_path: Path
) -> None:
    script = tmp_path / "sample.py"
    script.write_text("\n".join(samples(page, "python")), encoding="utf-8")

    # A stranger's script: it finds the demo by the home folder and imports nothing of ours.
    done = subprocess.run(
        [sys.executable, "-I", str(script)],
        env=platform.environment,
        capture_output=True,
        text=True,
        timeout=SAMPLE_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "bankside." not in script.read_text(encoding="utf-8")


def typed(
    platform: Platform, folder: Path, commands: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    """What a shell makes of the commands of a page."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-e", "-c", commands],
        env=platform.environment | {"PATH": path} | settings,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SAMPLE_SECONDS,
        check=False,
    )


def test_the_commands_of_the_first_page_run(platform: Platform, tmp_path: Path) -> None:
    done = typed(platform, tmp_path, "\n".join(samples("first-call.md", "sh")))

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("signed by the bank") == 2
    assert "body.altered" in done.stdout


def test_the_command_of_the_page_about_webhooks_registers_one(
    platform: Platform, tmp_path: Path
) -> None:
    done = typed(platform, tmp_path, "\n".join(samples("webhooks.md", "sh")))

    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    gone = platform.bankside("call", "DELETE", f"/v1/platform/webhook-endpoints/{made['id']}")
    assert made["verify_with"].startswith("whsec_")
    assert gone.returncode == 0, gone.stderr


def test_what_the_readme_lets_a_newcomer_try_runs(platform: Platform, tmp_path: Path) -> None:
    """But for the real bank's files, which are not ours, and the riders' day (`test_riders`)."""
    text = (PARTNER.parents[1] / "README.md").read_text(encoding="utf-8")
    block = text.partition("bankside=.venv/bin/bankside\n")[2].partition("```")[0]
    elsewhere = ("$bankside load berka", "$bankside demo riders")
    lines = [each for each in block.splitlines() if not each.startswith(elsewhere)]
    assert len(lines) == len(block.splitlines()) - len(elsewhere)
    commands = "\n".join(lines).replace("/tmp/request", "request")

    done = typed(platform, tmp_path, commands, bankside="bankside")

    assert done.returncode == 0, done.stderr
    assert "the signature is valid" in done.stdout
    assert '"@signature-params": (' in done.stderr


def test_the_error_page_is_the_generated_one() -> None:
    # Made by `python -m tools.error_codes`; when this fails, run it and review the difference.
    assert DOCUMENT.read_text(encoding="utf-8") == document()


def test_every_code_a_dialect_translates_exists() -> None:
    table = method_table()
    translated = set(table.codes).union(*(each.codes for each in table.methods.values()))

    assert translated <= {each.code for each in refusals()} | WIRES_OWN


def test_the_codes_of_single_fields_are_found() -> None:
    assert {"amount.invalid", "field.missing", "field.unknown"} <= set(field_codes())
