"""The house rules that no other tool knows, checked over the syntax tree; runs in `make check`.

Rules: sizes of modules, functions, lines of folders and arguments; no naive or hidden clock; no
float near money; no commit below the edge; SQL only where it belongs and only on the room's own
schema; rooms entered by their doors; pure insides. A line may step outside a rule only with
``# tidy: <rule> - <reason>`` on it or on the line above, and the reason has to be written.

Usage: ``python tools/tidy.py [folder]``; prints ``path:line: rule: what`` and exits 1 on a finding.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "bankside"

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
ARGUMENTS_MAX = 6
DEPTH_MAX = 3

ROOMS = frozenset(
    {
        *("app", "console", "cli", "gateway", "governance", "outreach", "insight", "marketplace"),
        *("ecosystem", "operations", "orders", "risk", "privacy", "catalog", "identity"),
        *("partners", "bank", "evidence", "kernel"),
    }
)
# These know the machine: they may read its clock.
CLOCK_MODULES = ("kernel/clock.py",)
# SQL texts stand in these files and in migrations/.
SQL_FILES = re.compile(r"(^|/)(store(_\w+)?\.py|stores/\w+\.py)$")
SQL_KERNEL = re.compile(r"^kernel/")
SQL_TEXT = re.compile(
    r"^\s*(select\s.+\sfrom\s|insert\s+into\s|update\s+\w+[\w.]*\s+set\s|delete\s+from\s"
    r"|with\s+\w+.*\bas\s*\(|copy\s+\w+\.|truncate\s)",
    re.IGNORECASE | re.DOTALL,
)
SCHEMA_NAME = re.compile(
    r"\b(?:from|join|into|update|table|copy|on)\s+(?:only\s+)?([a-z_]+)\.[a-z_]+", re.IGNORECASE
)
PURE_FILES = ("rules.py", "model.py")
IMPURE_IMPORTS = re.compile(
    r"^(asyncpg|socket|httptools|uvloop|urllib\.(?!parse)|http|requests|subprocess|asyncio"
    r"|bankside\.kernel\.(db|postgres|jobs|outbox|migrate))(\.|$)"
)
MONEY_WORDS = re.compile(r"(amount|minor|money|balance|price|fee|cents)", re.IGNORECASE)
ESCAPE = re.compile(r"#\s*tidy:\s*([a-z-]+)\s+-\s+\S+.{7,}")


@dataclass(frozen=True, order=True)
class Finding:
    """One broken rule at one place."""

    path: str
    line: int
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.what}"


@dataclass(frozen=True)
class Module:
    """A parsed module: ``place`` is its path below the package (``bank/ledger/store.py``)."""

    path: Path
    place: str
    lines: tuple[str, ...]
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.place.split("/")[0] if "/" in self.place else ""

    def escaped(self, line: int, rule: str) -> bool:
        """Whether the line, or the one above, states a reason for stepping outside ``rule``."""
        for text in self.lines[max(0, line - 2) : line]:
            match = ESCAPE.search(text)
            if match and match[1] == rule:
                return True
        return False


def check(package: Path) -> list[Finding]:
    """All findings in a package folder, sorted."""
    findings = []
    for path in sorted(package.rglob("*.py")):
        module = read(path, package)
        for rule in RULES:
            findings += [each for each in rule(module) if not module.escaped(each.line, each.rule)]
    return sorted(findings)


def read(path: Path, package: Path) -> Module:
    """Parse one module of the package."""
    text = path.read_text(encoding="utf-8")
    return Module(
        path=path,
        place=path.relative_to(package).as_posix(),
        lines=tuple(text.splitlines()),
        tree=ast.parse(text),
    )


def sizes(module: Module) -> Iterator[Finding]:
    """Modules, functions, arguments and folders stay small; modules say what they own."""
    if len(module.lines) > MODULE_LINES_MAX:
        yield _finding(module, 1, "size", f"module of {len(module.lines)} lines; split by noun")
    if module.place.count("/") > DEPTH_MAX:
        yield _finding(module, 1, "size", "folder too deep")
    if module.room and module.room not in ROOMS:
        yield _finding(module, 1, "room", f"{module.room} is no room of the house")
    if module.lines and not ast.get_docstring(module.tree):
        yield _finding(module, 1, "docstring", "module without a docstring")
    for function in _functions(module.tree):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > FUNCTION_LINES_MAX:
            yield _finding(module, function.lineno, "size", f"{function.name} has {length} lines")
        count = len(function.args.args) + len(function.args.posonlyargs)
        count += len(function.args.kwonlyargs)
        first = (function.args.posonlyargs + function.args.args)[:1]
        count -= bool(first and first[0].arg in {"self", "cls"})
        if count > ARGUMENTS_MAX:
            yield _finding(
                module, function.lineno, "arguments", f"{function.name} takes {count} arguments"
            )


def clocks(module: Module) -> Iterator[Finding]:
    """Time comes from a Clock; naive datetimes do not exist."""
    if module.place in CLOCK_MODULES:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = ast.unparse(node.func)
            if name.endswith(("datetime.now", "datetime.today", "date.today", "datetime.utcnow")):
                yield _finding(module, node.lineno, "clock", f"{name}() instead of a Clock")


def floats(module: Module) -> Iterator[Finding]:
    """Money is an integer of minor units: no float() and no true division near it."""
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "float"
            and MONEY_WORDS.search(ast.unparse(node))
        ):
            yield _finding(module, node.lineno, "float-money", ast.unparse(node)[:60])
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Div)
            and MONEY_WORDS.search(ast.unparse(node))
        ):
            yield _finding(module, node.lineno, "float-money", ast.unparse(node)[:60])


def commits(module: Module) -> Iterator[Finding]:
    """Transactions open and commit where a use case starts, never in a store or in rules."""
    if not module.place.endswith(("store.py", "rules.py", "model.py")):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in {"commit", "transaction"}:
            yield _finding(
                module, node.lineno, "commit", f"{ast.unparse(node)} in a {module.place}"
            )


def sql_places(module: Module) -> Iterator[Finding]:
    """SQL stands in store.py and names its own room's schema only."""
    for node in ast.walk(module.tree):
        text = _text(node)
        if text is None or not SQL_TEXT.search(text):
            continue
        if not (SQL_FILES.search(module.place) or SQL_KERNEL.match(module.place)):
            yield _finding(module, node.lineno, "sql-place", text.strip()[:50].replace("\n", " "))
        for schema in sorted({match.lower() for match in SCHEMA_NAME.findall(text)}):
            if schema in ROOMS and schema != module.room:
                yield _finding(module, node.lineno, "sql-schema", f"{module.room} names {schema}.*")


def doors(module: Module) -> Iterator[Finding]:
    """Another room is entered by its door, or its events; never by the window."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and any(name.name == "*" for name in node.names):
            yield _finding(module, node.lineno, "door", f"wildcard import of {node.module}")
        for name in _imported(node):
            if not _is_inside(name, module.room):
                continue
            yield _finding(module, node.lineno, "door", f"{name} is behind another room's door")
    for function in _functions(module.tree):
        for node in ast.walk(function):
            for name in _imported(node):
                if name.startswith(PACKAGE) and module.room not in {"cli", "app"}:
                    yield _finding(module, node.lineno, "late-import", f"{name} inside a function")


def pure(module: Module) -> Iterator[Finding]:
    """rules.py and model.py decide from data alone: no database, no network, no clock."""
    if not module.place.endswith(PURE_FILES) or module.room == "kernel":
        return
    for node in ast.walk(module.tree):
        for name in _imported(node):
            if IMPURE_IMPORTS.match(name):
                yield _finding(module, node.lineno, "pure", f"imports {name}")


RULES = (sizes, clocks, floats, commits, sql_places, doors, pure)


def _is_inside(name: str, room: str) -> bool:
    """Whether an absolute module name lies behind the door of a room other than ``room``.

    The door of a room is ``bankside.<room>`` or one slice of it, ``bankside.<room>.<slice>``; the
    kernel is open, and ``app`` wires everything: it may pass any door that is a package.
    """
    parts = name.split(".")
    if not room or parts[0] != PACKAGE or len(parts) < 3 or parts[1] in {room, "kernel"}:
        return False
    folder = ROOT / "src" / Path(*parts)
    is_door = folder.is_dir() or parts[-1] == "events"
    return len(parts) > 4 or not is_door


def _imported(node: ast.AST) -> list[str]:
    """Module names an import statement reaches; a name imported from a package may be a module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        base = ROOT / "src" / Path(*node.module.split("."))
        door = base / "__init__.py"
        exported = door.read_text(encoding="utf-8") if door.is_file() else ""
        deeper = [
            alias.name
            for alias in node.names
            # A name the door exports is that name, even where a module is called the same.
            if (base / f"{alias.name}.py").is_file() and f'"{alias.name}"' not in exported
        ]
        return [f"{node.module}.{name}" for name in deeper] or [node.module]
    return []


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _text(node: ast.AST) -> str | None:
    """The text of a string literal or of the constant parts of an f-string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    return None


def _finding(module: Module, line: int, rule: str, what: str) -> Finding:
    try:
        shown = module.path.relative_to(ROOT).as_posix()
    except ValueError:
        shown = module.path.as_posix()
    return Finding(shown, line, rule, what)


def main() -> int:
    """Check the package (or the folder given) and print what was found."""
    package = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "src" / PACKAGE
    findings = check(package)
    for finding in findings:
        print(finding)
    count = sum(1 for _ in package.rglob("*.py"))
    print(f"tidy: {count} modules, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
