"""The bytes of a segment file: blocks one after another, each readable on its own.

A block is a 4-byte big-endian length and that many bytes of msgpack:
``{worker, segment, offset, count, crc32, records}``, where ``records`` is the packed list of call
records, ``crc32`` its checksum and ``offset`` the block's own place in the file. Bytes that are no
whole block end the reading: they are the tail of a write that a crash cut, or is still going on.
"""

import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from bankside.kernel.metering.record import CallRecord, CallRow

_LENGTH_BYTES = 4
# 5,000 records whose every field is as long as ids get stay below this; more can only be damage.
BLOCK_BYTES_MAX = 16 * 2**20
BLOCK_RECORDS_MAX = 5_000

_encoder = msgspec.msgpack.Encoder()
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


class Packed:
    """Records packed one behind the other as their calls end: the content of one block to be.

    So a waiting record is 200 bytes in one buffer and no object: 100 ms of objects would push the
    rest of a busy worker out of its caches.
    """

    __slots__ = ("count", "octets")

    def __init__(self) -> None:
        self.count = 0
        self.octets = bytearray()

    @classmethod
    def of(cls, records: Iterable[CallRecord]) -> "Packed":
        """All of ``records``; at most BLOCK_RECORDS_MAX."""
        packed = cls()
        for each in records:
            packed.add(each)
        return packed

    def add(self, record: CallRecord | CallRow) -> None:
        """Add one record, or nothing when a value is no call record's.

        Then raises what msgspec raises (TypeError, ValueError, OverflowError).
        """
        whole = len(self.octets)
        try:
            _encoder.encode_into(record, self.octets, -1)
        except BaseException:
            del self.octets[whole:]
            raise
        self.count += 1

    def is_full(self) -> bool:
        """Whether the next record belongs into another block."""
        return self.count >= BLOCK_RECORDS_MAX


def pack(worker: str, segment: int, offset: int, content: Packed) -> bytes:
    """The bytes of one block that will stand at ``offset``."""
    records = _list_head(content.count) + content.octets
    block = msgspec.msgpack.encode(
        _Block(worker, segment, offset, content.count, zlib.crc32(records), records)
    )
    return len(block).to_bytes(_LENGTH_BYTES, "big") + block


def _list_head(count: int) -> bytes:
    """How msgpack begins a list of ``count`` (below 2^16) values."""
    return bytes([0x90 | count]) if count < 16 else b"\xdc" + count.to_bytes(2, "big")


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
