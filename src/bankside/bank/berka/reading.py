"""Reads a folder of the Berka bank and proves that all of it is right before anything is written.

Every fault is collected with its file, line, column, what was found and what was expected; a
folder is accepted only without any. Files are `<table>.csv.gz`, or `<table>.csv`.
"""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bankside.bank.berka.errors import Fault, FilesInvalid
from bankside.bank.berka.model import Files
from bankside.bank.berka.references import reference_faults
from bankside.bank.berka.tables import TABLES, Table, Unreadable

# The largest real file is 210 kB; a file that unpacks to more than this is something else.
FILE_BYTES_MAX = 64 * 1024 * 1024
# Small, so that of a file that is cut off all whole lines but the last few are counted.
BLOCK_BYTES = 4096
# One field of a hostile file must not be quoted whole in the message about it.
FOUND_SHOWN_MAX = 60


def read(folder: Path) -> Files:
    """All rows of the folder, checked alone and against each other, or FilesInvalid."""
    if not folder.is_dir():
        found = "no such folder" if not folder.exists() else "a file"
        raise FilesInvalid([Fault(str(folder), 0, "folder", found, "a folder with the files")])
    faults: list[Fault] = []
    digest = hashlib.sha256()
    rows: dict[str, tuple[Any, ...]] = {}
    names: dict[str, str] = {}
    for table in TABLES.values():
        path = _path(folder, table)
        names[table.name] = path.name
        try:
            content = _content(path)
            digest.update(f"{table.name}:{len(content)}:".encode() + content)
            rows[table.name] = tuple(_rows(path.name, table, _text(path.name, content), faults))
        except _Stopped as stop:
            faults.append(stop.fault)
    if not faults:
        files = _files(digest.digest(), names, rows)
        faults += reference_faults(files)
        if not faults:
            return files
    raise FilesInvalid(faults)


class _Stopped(Exception):
    """The file cannot be read any further."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def _files(digest: bytes, names: dict[str, str], rows: dict[str, tuple[Any, ...]]) -> Files:
    return Files(
        digest,
        names,
        districts=rows["district"],
        clients=rows["client"],
        accounts=rows["account"],
        disps=rows["disp"],
        orders=rows["order"],
        loans=rows["loan"],
        cards=rows["card"],
    )


def _path(folder: Path, table: Table) -> Path:
    packed, plain = folder / f"{table.name}.csv.gz", folder / f"{table.name}.csv"
    return plain if plain.is_file() and not packed.is_file() else packed


def _content(path: Path) -> bytes:
    """The unpacked bytes of a file."""
    content = bytearray()
    try:
        with path.open("rb") as raw:
            stream = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
            while block := stream.read(BLOCK_BYTES):
                content += block
                if len(content) > FILE_BYTES_MAX:
                    expected = f"at most {FILE_BYTES_MAX} bytes unpacked"
                    raise _Stopped(Fault(path.name, 0, "file", "more bytes", expected))
    except EOFError:
        raise _Stopped(_broken(path, content, "a gzip file that is cut off")) from None
    except (gzip.BadGzipFile, zlib.error):
        raise _Stopped(_broken(path, content, "bytes that do not unpack")) from None
    except FileNotFoundError:
        found = Fault(path.name, 0, "file", "no file", "the file in the folder")
        raise _Stopped(found) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _Stopped(Fault(path.name, 0, "file", reason, "a readable file")) from error
    return bytes(content)


def _broken(path: Path, content: bytes | bytearray, found: str) -> Fault:
    """A packed file that ends early or is damaged, after the lines that could still be read."""
    line = content.count(b"\n") + 1 if content else 0
    return Fault(path.name, line, "file", found, "a whole gzip file")


def _text(file: str, content: bytes) -> str:
    """The content as text; a byte that is no UTF-8 is named by line and place."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        place = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        found = f"byte 0x{content[error.start]:02x}"
        raise _Stopped(Fault(file, line, f"byte {place}", found, "text in UTF-8")) from None


def _rows(file: str, table: Table, text: str, faults: list[Fault]) -> Iterator[Any]:
    """The rows of a file as values; what is wrong with one goes to ``faults``."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    seen: dict[object, int] = {}
    try:
        header = next(reader, [])
        places = _places(file, table, header)
        for fields in reader:
            line = reader.line_num
            if len(fields) != len(header):
                found = f"{len(fields)} fields"
                faults.append(Fault(file, line, "row", found, f"{len(header)} fields"))
                continue
            values = _values(file, table, line, [fields[place] for place in places], faults)
            if values is None:
                continue
            key = values[table.id]
            if key in seen:
                expected = f"an id not used before (line {seen[key]} has it)"
                faults.append(Fault(file, line, table.id, str(key), expected))
                continue
            seen[key] = line
            yield table.make(line=line, **values)
    except csv.Error as error:
        raise _Stopped(Fault(file, reader.line_num, "row", str(error), "a row of CSV")) from None


def _places(file: str, table: Table, header: list[str]) -> list[int]:
    """Where each column of the table stands in the file."""
    names = [column.name for column in table.columns]
    for name in names:
        if header.count(name) != 1:
            found = "no such column" if name not in header else "the column twice"
            raise _Stopped(Fault(file, 1, name, found, "the columns " + ", ".join(names)))
    for name in header:
        if name not in names:
            raise _Stopped(Fault(file, 1, _shown(name), "an unknown column", ", ".join(names)))
    return [header.index(name) for name in names]


def _values(
    file: str, table: Table, line: int, fields: list[str], faults: list[Fault]
) -> dict[str, Any] | None:
    """The values of one row by column, or None after noting what could not be read."""
    values: dict[str, Any] = {}
    for column, field in zip(table.columns, fields, strict=True):
        try:
            values[column.name] = column.read(field)
        except Unreadable:
            faults.append(Fault(file, line, column.name, _shown(field), column.expected))
    return values if len(values) == len(fields) else None


def _shown(field: str) -> str:
    return repr(field if len(field) <= FOUND_SHOWN_MAX else field[:FOUND_SHOWN_MAX] + "...")
