"""Licences of everything the lock installs, and the lock's own rules; runs in `make check`.

Fails on copyleft that would bind users (GPL, AGPL, SSPL), on LGPL without a written exception, on
an unknown licence, and on any address in a lock file. Reads installed metadata, asks no network.
"""

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

FORBIDDEN = re.compile(r"\b(AGPL|SSPL|GPL|LGPL|GNU)", re.IGNORECASE)
KNOWN = re.compile(
    r"MIT|BSD|Apache|MPL|PSF|Python Software Foundation|ISC|Unlicense|0BSD|Zlib|PostgreSQL|HPND"
    r"|CC0|Public Domain",
    re.IGNORECASE,
)
# Test-only packages, or metadata that names no licence although the text does: each with a reason.
EXCEPTIONS: dict[str, str] = {}
NAME = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def main() -> int:
    """Check the locks and print each finding."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    findings = [f"requirements.lock: address {url}" for url in re.findall(r"https?://\S+", lock)]
    for npm in ROOT.glob("**/package-lock.json"):
        if "node_modules" not in npm.parts and '"resolved"' in npm.read_text(encoding="utf-8"):
            findings.append(f"{npm.relative_to(ROOT)}: has resolved addresses")
    names = NAME.findall(lock)
    for name in names:
        try:
            found = licence(distribution(name))
        except PackageNotFoundError:
            continue  # a marker excludes it on this machine
        if name in EXCEPTIONS:
            continue
        if FORBIDDEN.search(found) and not KNOWN.search(found):
            findings.append(f"{name}: {found}")
        elif not KNOWN.search(found):
            findings.append(f"{name}: licence not known ({found[:60]!r})")
    for finding in findings:
        print(finding)
    print(f"licences: {len(names)} packages, {len(findings)} findings")
    return 1 if findings else 0


def licence(package: Distribution) -> str:
    """The licence expression, classifiers and short licence field of a package, as one text."""
    meta = package.metadata
    parts = [meta.get("License-Expression") or ""]
    parts += [c for c in meta.get_all("Classifier") or [] if c.startswith("License")]
    parts.append((meta.get("License") or "")[:200])
    return "; ".join(part for part in parts if part)


if __name__ == "__main__":
    sys.exit(main())
