"""Call records: on disk before a money answer leaves, in the database exactly once."""

import asyncio
import errno
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankside.kernel.clock import FixedClock, SystemClock
from bankside.kernel.db import Pool
from bankside.kernel.metering import (
    CallRecord,
    SegmentWriter,
    Shipper,
    calls_by_request_id,
    count_by,
    recent_calls,
)
from bankside.kernel.metering.blocks import Packed, pack, unpack

NOON = int(datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()) * 1_000_000


def record(number: int, **fields: str | int) -> CallRecord:
    given = {"partner": "prt_1", "operation": "payment.internal-transfers.create", "status": 200}
    return CallRecord(
        request_id=f"req_{number}", started_at=NOON + number, duration_us=900, **given | fields
    )


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[SegmentWriter]:
    writer = SegmentWriter(tmp_path, "edge-0", SystemClock())
    yield writer
    await writer.close()


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def blocks(folder: Path) -> list[list[CallRecord]]:
    found = []
    for path in files(folder):
        worker, _, number = path.stem.rpartition("-")
        found += [block.records for block in unpack(worker, int(number), 0, path.read_bytes())]
    return found


def on_disk(folder: Path) -> list[CallRecord]:
    return [record for block in blocks(folder) for record in block]


async def test_an_awaited_record_is_on_disk_and_others_follow_within_100_ms(
    writer: SegmentWriter, tmp_path: Path
) -> None:
    writer.append(record(1))
    await writer.flushed()
    assert on_disk(tmp_path) == [record(1)]

    writer.append(record(2))
    await asyncio.sleep(0.3)
    assert on_disk(tmp_path) == [record(1), record(2)]


async def test_money_calls_that_wait_together_share_few_writes(
    writer: SegmentWriter, tmp_path: Path
) -> None:
    async def call(number: int) -> None:
        await asyncio.sleep(random.random() * 0.05)
        writer.append(record(number))
        await writer.flushed()
        assert record(number) in on_disk(tmp_path)

    await asyncio.gather(*(call(number) for number in range(100)))

    assert len(blocks(tmp_path)) <= 15


async def test_a_caller_who_gives_up_disturbs_no_other(writer: SegmentWriter) -> None:
    writer.append(record(1))
    impatient = asyncio.ensure_future(writer.flushed())
    patient = asyncio.ensure_future(writer.flushed())

    impatient.cancel()

    await patient


async def test_a_disk_error_reaches_the_waiting_money_call_and_no_record_is_lost(
    writer: SegmentWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    writer.append(record(1))
    with pytest.raises(OSError, match="No space left"):
        await writer.flushed()
    assert writer.failing

    monkeypatch.undo()
    writer.append(record(2))
    await writer.flushed()

    assert not writer.failing
    assert {each.request_id for each in on_disk(tmp_path)} == {"req_1", "req_2"}


async def test_a_record_that_cannot_be_written_costs_only_itself(
    writer: SegmentWriter, tmp_path: Path
) -> None:
    writer.append(record(1, code="\udc80"))
    writer.append(record(2))
    await writer.flushed()

    assert on_disk(tmp_path) == [record(2)]


async def test_a_segment_is_sealed_after_a_minute(tmp_path: Path, clock: FixedClock) -> None:
    writer = SegmentWriter(tmp_path, "edge-0", clock)
    for number in range(2):
        writer.append(record(number))
        await writer.flushed()
        clock.advance(timedelta(seconds=61))
    await writer.close()

    assert len(files(tmp_path)) == 2


@given(
    st.lists(st.integers(0, 9), max_size=6),
    st.integers(0, 4_000),
    st.binary(max_size=40),
)
def test_whatever_a_crash_leaves_behind_the_whole_blocks_are_read(
    sizes: list[int], cut: int, rubbish: bytes
) -> None:
    data, ends, records = b"", [0], []
    for size in sizes:
        batch = [record(len(records) + index) for index in range(size)]
        data += pack("edge-0", 7, len(data), Packed.of(batch))
        records.append(batch)
        ends.append(len(data))
    kept = data[:cut]

    found = list(unpack("edge-0", 7, 0, kept + rubbish if cut < len(data) else data + rubbish))

    whole = [end for end in ends[1:] if end <= cut]
    assert [block.records for block in found[: len(whole)]] == records[: len(whole)]


def test_a_block_of_another_place_is_no_block_of_this_file() -> None:
    block = pack("edge-0", 7, 0, Packed.of([record(1)]))

    assert list(unpack("edge-0", 7, 0, block))
    assert not list(unpack("edge-1", 7, 0, block))
    assert not list(unpack("edge-0", 8, 0, block))
    assert not list(unpack("edge-0", 7, 100, block))
    damaged = bytearray(block)
    damaged[-3] ^= 1
    assert not list(unpack("edge-0", 7, 0, bytes(damaged)))


async def test_records_land_once_however_often_and_by_whomever_they_are_shipped(
    fresh_pool: Pool, writer: SegmentWriter, tmp_path: Path
) -> None:
    shippers = [Shipper(fresh_pool, tmp_path, SystemClock()) for _ in range(3)]
    for number in range(200):
        writer.append(record(number))
        if number % 20 == 0:
            await writer.flushed()
            await asyncio.gather(*(shipper.ship() for shipper in shippers))
    await writer.flushed()
    await asyncio.gather(*(shipper.ship() for shipper in shippers))
    await shippers[0].ship()

    async with fresh_pool.acquire() as db:
        assert await db.fetchval("select count(*) from kernel.call_records") == 200
        assert await calls_by_request_id(db, "req_7") == [record(7)]


async def test_a_record_written_twice_by_an_unsure_disk_counts_once(
    fresh_pool: Pool, tmp_path: Path
) -> None:
    for segment in (1, 2):
        path = tmp_path / f"edge-0-{segment}.seg"
        path.write_bytes(pack("edge-0", segment, 0, Packed.of([record(1), record(segment + 1)])))

    shipped = await Shipper(fresh_pool, tmp_path, SystemClock()).ship()

    assert (shipped.records, shipped.repeated) == (3, 1)


async def test_a_torn_tail_is_left_out_and_kept_aside_after_a_day(
    fresh_pool: Pool, tmp_path: Path
) -> None:
    clock = FixedClock(datetime.now(UTC))
    whole = pack("edge-0", 1, 0, Packed.of([record(1)]))
    torn = pack("edge-0", 1, len(whole), Packed.of([record(2)]))[:-5]
    (tmp_path / "edge-0-1.seg").write_bytes(whole + torn)
    (tmp_path / "edge-0-2.seg").write_bytes(pack("edge-0", 2, 0, Packed.of([record(3)])))
    shipper = Shipper(fresh_pool, tmp_path, clock)

    assert (await shipper.ship()).records == 2
    clock.advance(timedelta(hours=23))
    assert (await shipper.ship()).files_removed == 0
    clock.advance(timedelta(hours=2))
    assert (await shipper.ship()).files_removed == 2

    assert [path.name for path in files(tmp_path)] == ["edge-0-1.torn"]
    async with fresh_pool.acquire() as db:
        assert await db.fetchval("select count(*) from kernel.segments_shipped") == 0


async def test_a_block_still_being_written_is_shipped_when_it_is_whole(
    fresh_pool: Pool, tmp_path: Path
) -> None:
    block = pack("edge-0", 1, 0, Packed.of([record(1)]))
    path = tmp_path / "edge-0-1.seg"
    shipper = Shipper(fresh_pool, tmp_path, SystemClock())

    path.write_bytes(block[:40])
    assert (await shipper.ship()).records == 0
    path.write_bytes(block)
    assert (await shipper.ship()).records == 1


async def test_odd_values_of_strangers_do_not_hold_up_the_rest(
    fresh_pool: Pool, tmp_path: Path
) -> None:
    odd = [record(1, app="a\0b'\"\\{}"), record(2, partner=7), record(3, version=-1), record(4)]
    (tmp_path / "edge-0-1.seg").write_bytes(pack("edge-0", 1, 0, Packed.of(odd)))

    shipped = await Shipper(fresh_pool, tmp_path, SystemClock()).ship()

    assert (shipped.records, shipped.unreadable) == (2, 2)
    async with fresh_pool.acquire() as db:
        (stored,) = await calls_by_request_id(db, "req_1")
    assert stored.app == "ab'\"\\{}"


WRITER = """
import asyncio, sys
from pathlib import Path
from bankside.kernel.clock import SystemClock
from bankside.kernel.metering import CallRecord, SegmentWriter

async def main():
    writer = SegmentWriter(Path(sys.argv[1]), sys.argv[2], SystemClock())
    async def money(number):
        request = f"{sys.argv[2]}-{number}"
        writer.append(CallRecord(request_id=request, started_at=1772452800000000, duration_us=1))
        await writer.flushed()
        sys.stdout.write(request + "\\n")
        sys.stdout.flush()
    for number in range(100000):
        await asyncio.gather(*(money(number * 8 + each) for each in range(8)))

asyncio.run(main())
"""


@pytest.mark.crash
async def test_killed_writers_lose_no_acknowledged_record_and_double_none(
    fresh_pool: Pool, tmp_path: Path
) -> None:
    shipper = Shipper(fresh_pool, tmp_path, SystemClock())
    acknowledged: set[str] = set()

    def run_and_kill(worker: str) -> str:
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), worker],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(0.1 + random.random() * 0.1)
            process.kill()
            # A line the kill cut was not acknowledged.
            return first + process.stdout.read().rpartition("\n")[0]

    for number in range(6):
        said = await asyncio.to_thread(run_and_kill, f"edge-{number % 3}")
        acknowledged |= {f"{number}:{line}" for line in said.split("\n") if line}
        await shipper.ship()
        async with fresh_pool.acquire() as db:
            stored = await db.fetch("select request_id from kernel.call_records")
            await db.execute("truncate kernel.call_records")
        ids = {f"{number}:{row['request_id']}" for row in stored}
        assert {each for each in acknowledged if each.startswith(f"{number}:")} <= ids
        assert len(ids) == len(stored)
    assert len(acknowledged) > 100


async def test_readers_see_newest_first_in_pages_and_only_the_partners_own(
    fresh_pool: Pool, tmp_path: Path
) -> None:
    records = [
        record(number, partner=f"prt_{number % 2}", outcome="refused" if number % 5 == 0 else "ok")
        for number in range(20)
    ]
    (tmp_path / "edge-0-1.seg").write_bytes(pack("edge-0", 1, 0, Packed.of(records)))
    await Shipper(fresh_pool, tmp_path, SystemClock()).ship()

    async with fresh_pool.acquire() as db:
        page = await recent_calls(db, partner="prt_1", limit=4)
        rest = await recent_calls(db, partner="prt_1", before=page[-1].started_at, limit=1)
        refused = await recent_calls(db, outcome="refused")
        foreign = await calls_by_request_id(db, "req_1", partner="prt_0")
        since = datetime(2026, 3, 2, tzinfo=UTC)
        counted = await count_by(db, "partner", since=since, until=since + timedelta(days=1))

    assert [each.request_id for each in page + rest] == [f"req_{n}" for n in (19, 17, 15, 13, 11)]
    assert len(refused) == 4
    assert foreign == []
    assert counted == {"prt_0": 10, "prt_1": 10}
