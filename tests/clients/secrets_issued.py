"""Every secret a run has issued, and where it is looked for.

Looked for in every log, call record and metric, in the data files of the database as they lie on
disk, and in every row of every table as text. Left out are only the places where secrets live:
``keys/``, ``demo.json`` (written for the demo's reader) and the database's password file.
"""

import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clients.customer import Customer
from tests.clients.forms import forms_of
from tests.clients.handmade import HandMade

from bankside.kernel.db import Connection

# Shorter texts stand everywhere by chance.
LETTERS_MIN = 8
ROWS_MAX = 100_000
OWN_PLACES = ("keys", "demo.json", "password")
PEOPLE = ("customers", "staff", "partner_users")
# A choice of the reader, not a secret.
OPEN_COOKIES = {"bankside-lang", "bankside-type"}


@dataclass
class Secrets:
    """Secrets by their value, each with what it is."""

    known: dict[str, str] = field(default_factory=dict, repr=False)

    def add(self, kind: str, *values: str) -> None:
        for value in values:
            assert len(value) >= LETTERS_MIN, f"{kind} is too short to be looked for"
            self.known[value] = kind

    @property
    def kinds(self) -> set[str]:
        """What kinds of secrets are known."""
        return set(self.known.values())

    def of_installation(self, home: Path, demo: dict[str, Any]) -> None:
        """Passwords, keys and seeds that stood before anybody called."""
        self.add("database password", (home / "postgres" / "password").read_text().strip())
        kek = (home / "keys" / "kek").read_bytes()
        self.add("key-encryption key", kek.hex())
        for person in (each for who in PEOPLE for each in demo[who]):
            self.add("password", person["password"])
            self.add("TOTP secret", person["totp_secret"])
        for name, file in _files(demo):
            text = Path(file).read_text()
            if name == "private_jwk_file":
                self.add("client's private key", json.loads(text)["d"])
            elif "PRIVATE KEY" in text:
                # The first line holds a curve's scalar, and of an RSA key no line of its public.
                self.add("app's private key", text.splitlines()[1])
            else:
                self.add("app's shared secret", text.strip())

    def of_client(self, client: HandMade) -> None:
        """What a client was given, and what it proved itself with."""
        self.add("code, token, request_uri, assertion or proof", *client.issued)
        self.add("DPoP nonce", client.nonce)

    def of_browser(self, customer: Customer) -> None:
        """Cookies and form tokens of a customer's browser."""
        for page in customer.seen:
            for name, value in page.cookies.items():
                if name not in OPEN_COOKIES:
                    self.add("cookie", value.strip('"'))
            for form in forms_of(page.text):
                self.add("form token", *form.fields.get("token", []))

    def found_in(self, places: Iterable[Path], patterns: Path) -> list[str]:
        """What of it stands in files and folders: kind and file, never the secret itself."""
        patterns.write_text("".join(f"{each}\n" for each in self.known))
        done = subprocess.run(
            [
                *("grep", "--recursive", "--text", "--fixed-strings", "--only-matching"),
                *("--with-filename", "--null", f"--file={patterns}", "--"),
                *map(str, places),
            ],
            capture_output=True,
            check=False,
        )
        assert done.returncode in {0, 1}, done.stderr.decode()
        hits = [line.split(b"\0", 1) for line in done.stdout.splitlines()]
        return sorted({f"{self.known[text.decode()]} in {file.decode()}" for file, text in hits})


def places_of(home: Path) -> list[Path]:
    """All that an installation has written, but for where secrets live."""
    found = [each for each in home.iterdir() if each.name not in OWN_PLACES]
    inner = [each for each in (home / "postgres").iterdir() if each.name not in OWN_PLACES]
    return [each for each in found if each.name != "postgres"] + inner


async def tables_as_text(db: Connection, file: Path) -> int:
    """Write every row of every table to a file, binary columns as text too; how many rows."""
    tables = await db.fetch(
        "select format('%I.%I', schemaname, tablename) as name from pg_catalog.pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema')"
    )
    count = 0
    with file.open("w") as out:
        for table in tables:
            rows = await db.fetch(f"select t::text as row from {table['name']} t limit {ROWS_MAX}")
            out.writelines(f"{row['row']}\n{_unhexed(row['row'])}\n" for row in rows)
            count += len(rows)
    return count


def _unhexed(row: str) -> str:
    """The binary columns of a row as the text they would be."""
    parts = (part.strip('"\\x') for part in row.strip("()").split(",") if "\\x" in part)
    return " ".join(
        bytes.fromhex(part).decode("latin-1").replace("\n", " ")
        for part in parts
        if len(part) % 2 == 0 and all(letter in "0123456789abcdef" for letter in part)
    )


def _files(demo: Any) -> Iterator[tuple[str, str]]:
    """Every file of a secret key that ``demo.json`` names."""
    if isinstance(demo, dict):
        for name, value in demo.items():
            if name in {"private_key_file", "private_jwk_file", "aes_key_file"}:
                yield name, value
            else:
                yield from _files(value)
    elif isinstance(demo, list):
        for value in demo:
            yield from _files(value)
