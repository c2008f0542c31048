"""The bytes of a segment file: blocks one after another, each readable on its own.

A block is a 4-byte big-endian length and that many bytes of msgpack:
``{worker, segment, offset, count, crc32, records}``, where ``records`` is the packed list of call
records, ``crc32`` its checksum and ``offset`` the block's own place in the file. Bytes that are no
whole block end the reading: they are the tail of a write that a crash cut, or is still going on.
"""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from bankside.kernel.metering.record import CallRecord

_LENGTH_BYTES = 4
# 5,000 records whose every field is as long as ids get stay below this; more can only be damage.
BLOCK_BYTES_MAX = 16 * 2**20
BLOCK_RECORDS_MAX = 5_000

_records = msgspec.msgpack.Decoder(list[CallRecord])
_record = msgspec.msgpack.Decoder(CallRecord)
_raw_records = msgspec.msgpack.Decoder(list[msgspec.Raw])


class _Block(msgspec.Struct):
    worker: str
    segment: int
    offset: int
    count: int
    crc32: int
    records: bytes


_blocks = msgspec.msgpack.Decoder(_Block)


@dataclass(frozen=True, slots=True)
class Block:
    """The call records of one block and the offset behind it.

    ``unreadable``: records whose bytes are whole but whose values fit no call record (a bug).
    """

    records: list[CallRecord]
    end: int
    unreadable: int = 0


def pack(worker: str, segment: int, offset: int, records: Sequence[CallRecord]) -> bytes:
    """The bytes of one block that will stand at ``offset``.

    Raises what msgspec raises (TypeError, ValueError, OverflowError) when a value is no call
    record's; `packable` tells which.
    """
    packed = msgspec.msgpack.encode(records)
    block = msgspec.msgpack.encode(
        _Block(worker, segment, offset, len(records), zlib.crc32(packed), packed)
    )
    return len(block).to_bytes(_LENGTH_BYTES, "big") + block


def packable(records: Sequence[CallRecord]) -> list[CallRecord]:
    """The records that ``pack`` can write; one that is a bug costs only itself."""
    found = []
    for record in records:
        with suppress(TypeError, ValueError, OverflowError):
            msgspec.msgpack.encode(record)
            found.append(record)
    return found


def unpack(worker: str, segment: int, offset: int, data: bytes) -> Iterator[Block]:
    """The whole blocks of ``data``, which was read at ``offset``, up to the first damaged one."""
    at = 0
    while len(data) - at > _LENGTH_BYTES:
        begin = at + _LENGTH_BYTES
        end = begin + int.from_bytes(data[at:begin], "big")
        if end - begin > BLOCK_BYTES_MAX or end > len(data):
            return
        packed = _intact(data[begin:end], worker, segment, offset + at)
        if packed is None:
            return
        at = end
        yield _read(packed, offset + end)


def _intact(raw: bytes, worker: str, segment: int, offset: int) -> bytes | None:
    """The packed records of a block that is whole and stands where it was written to stand."""
    try:
        block = _blocks.decode(raw)
    except msgspec.MsgspecError:
        return None
    if (block.worker, block.segment, block.offset) != (worker, segment, offset):
        return None
    return block.records if zlib.crc32(block.records) == block.crc32 else None


def _read(packed: bytes, end: int) -> Block:
    try:
        return Block(_records.decode(packed), end)
    except msgspec.ValidationError:
        return _read_singly(packed, end)


def _read_singly(packed: bytes, end: int) -> Block:
    """One bad record costs only itself."""
    raw = _raw_records.decode(packed)
    readable = []
    for each in raw:
        with suppress(msgspec.ValidationError):
            readable.append(_record.decode(each))
    return Block(readable, end, unreadable=len(raw) - len(readable))
