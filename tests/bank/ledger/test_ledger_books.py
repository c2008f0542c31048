"""The collector: everybody gets the right answer, whatever happens to the others or to the line."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.bank.ledger.cut_line import Cut, cut_line
from tests.bank.ledger.ledger_world import EQUITY, MORNING, commit_all, group, proof, shared_world

from bankside.bank.ledger import (
    LEGS_MAX,
    Books,
    GroupInvalid,
    LedgerBusy,
    LedgerUnavailable,
    LedgerUnknown,
    OutcomeUnknown,
    Verdict,
    balances,
    books,
    group_id,
    post,
    transfer,
)
from bankside.bank.ledger.service import BATCH_LEGS_MAX
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, Write, open_pool

CLOCK = FixedClock(MORNING)
NOTE = "insert into public.ledger_notes (ledger, note) values ($1, $2)"


class Notes:
    """A table of riders, as another room would have one; a note is unique in its ledger."""

    def __init__(self, pool: Pool, ledger: str) -> None:
        self.pool = pool
        self.ledger = ledger

    def write(self, note: str) -> Write:
        return Write(NOTE, (self.ledger, note))

    async def all(self) -> list[str]:
        rows = await self.pool.fetch(
            "select note from public.ledger_notes where ledger = $1 order by note", self.ledger
        )
        return [row["note"] for row in rows]


@pytest.fixture
async def ledger(pool: Pool) -> str:
    return await shared_world(pool, {"anna": 0, "ben": 0}, anna=1_000)


@pytest.fixture
async def notes(pool: Pool, ledger: str) -> Notes:
    await pool.execute(
        "create table if not exists public.ledger_notes (ledger text, note text, "
        "primary key (ledger, note))"
    )
    return Notes(pool, ledger)


@pytest.fixture
async def collector(pool: Pool, ledger: str) -> AsyncIterator[Books]:
    async with Books(pool, CLOCK, ledger=ledger) as opened:
        yield opened


async def free(pool: Pool, ledger: str, account: str) -> int:
    async with pool.acquire() as db:
        return (await balances(db, [account], ledger=ledger))[account].available.minor


async def batches(pool: Pool, ledger: str) -> int:
    return int(
        await pool.fetchval("select seq from bank.ledger_heads where ledger_id = $1", ledger)
    )


async def test_a_crowd_shares_few_commits(pool: Pool, ledger: str, collector: Books) -> None:
    before = await batches(pool, ledger)

    verdicts = await commit_all(
        collector, [group(f"n{number}", ("anna", "ben", 1)) for number in range(700)]
    )

    assert all(verdict.accepted for verdict in verdicts)
    assert await free(pool, ledger, "ben") == 700
    assert await batches(pool, ledger) - before <= 3
    assert (await proof(pool, ledger)).fault is None


async def test_repeats_in_the_batch_behind_have_no_second_effect(
    pool: Pool, ledger: str, collector: Books
) -> None:
    asked = [
        group(f"n{number}", ("anna", "ben", 1)) for number in range(books.BATCH_UNITS_MAX + 50)
    ]

    verdicts = await commit_all(collector, [*asked, *asked])

    assert all(verdict.accepted for verdict in verdicts)
    assert sum(verdict.repeat for verdict in verdicts) == len(asked)
    assert await free(pool, ledger, "ben") == len(asked)
    assert (await proof(pool, ledger)).fault is None


async def test_large_groups_make_smaller_batches(pool: Pool, ledger: str, collector: Books) -> None:
    before = await batches(pool, ledger)
    there_and_back = [("anna", "ben", 1), ("ben", "anna", 1)] * (LEGS_MAX // 2)

    verdicts = await commit_all(collector, [group(f"n{n}", *there_and_back) for n in range(60)])

    assert all(verdict.accepted for verdict in verdicts)
    assert await batches(pool, ledger) - before >= 60 * LEGS_MAX // (BATCH_LEGS_MAX + LEGS_MAX)
    async with pool.acquire() as db:
        asked = [group(f"m{n}", *there_and_back) for n in range(60)]
        assert all(verdict.accepted for verdict in await post(db, asked, ledger=ledger))
    assert (await proof(pool, ledger)).fault is None


async def test_one_refusal_never_fails_its_batch(pool: Pool, ledger: str, collector: Books) -> None:
    asked = [group(f"n{number}", ("anna", "ben", 300)) for number in range(5)]

    verdicts = await commit_all(collector, asked)

    assert [verdict.accepted for verdict in verdicts] == [True, True, True, False, False]
    assert await free(pool, ledger, "anna") == 100


async def test_fifty_equal_calls_at_once_have_one_effect(
    pool: Pool, ledger: str, collector: Books
) -> None:
    verdicts = await commit_all(collector, [group("same", ("anna", "ben", 10))] * 50)

    assert all(verdict.accepted for verdict in verdicts)
    assert sum(not verdict.repeat for verdict in verdicts) == 1
    assert await free(pool, ledger, "ben") == 10


async def test_fifty_equal_ids_with_other_contents_have_one_effect(
    pool: Pool, ledger: str, collector: Books
) -> None:
    asked = [group("same", ("anna", "ben", amount)) for amount in range(1, 51)]

    verdicts = await commit_all(collector, asked)

    assert [verdict.reason for verdict in verdicts].count("group_reused") == 49
    assert await free(pool, ledger, "ben") == 1


async def test_the_writes_of_a_verdict_commit_with_it(
    notes: Notes, ledger: str, collector: Books
) -> None:
    async def commit(name: str, amount: int) -> None:
        await collector.commit(
            group(name, ("anna", "ben", amount)),
            accepted=[notes.write(f"{name} paid"), notes.write(f"{name} told")],
            refused=[notes.write(f"{name} refused")],
        )

    await asyncio.gather(commit("small", 10), commit("large", 10_000))
    await commit("small", 10)  # A repeat: the writes would clash, and are not carried out.

    assert await notes.all() == ["large refused", "small paid", "small told"]


async def test_writes_without_a_group_are_carried_out(notes: Notes, collector: Books) -> None:
    verdict = await collector.commit(None, accepted=[notes.write("alone")])

    assert verdict.accepted
    assert await notes.all() == ["alone"]


async def test_a_unit_whose_write_fails_fails_alone(
    pool: Pool, notes: Notes, ledger: str, collector: Books
) -> None:
    asked = [
        collector.commit(
            group(f"n{number}", ("anna", "ben", 1)),
            accepted=[notes.write("taken" if number in {7, 31} else f"n{number:02}")],
        )
        for number in range(40)
    ]

    answers = await asyncio.gather(*asked, return_exceptions=True)

    failed = [number for number, answer in enumerate(answers) if isinstance(answer, Exception)]
    assert failed == [31]
    assert isinstance(answers[31], asyncpg.UniqueViolationError)
    assert await free(pool, ledger, "ben") == 39
    assert len(await notes.all()) == 39
    async with pool.acquire() as db:
        assert await transfer(db, group_id("n31"), ledger=ledger) is None
    assert (await proof(pool, ledger)).fault is None


async def test_a_value_that_cannot_be_sent_fails_alone(notes: Notes, collector: Books) -> None:
    good = collector.commit(None, accepted=[notes.write("good")])
    bad = collector.commit(None, accepted=[notes.write("\ud800")])
    worse = collector.commit(None, accepted=[Write("select nonsense", ())])

    answers = await asyncio.gather(good, bad, worse, return_exceptions=True)

    assert not isinstance(answers[0], Exception)
    assert isinstance(answers[1], asyncpg.PostgresError)
    assert isinstance(answers[2], asyncpg.PostgresError)
    assert await notes.all() == ["good"]


async def undone(pool: Pool, times: int) -> Write:
    """A write that the database undoes so often (SQLSTATE 40001) before it lets it pass."""
    name = f"undo_{uuid.uuid4().hex}"
    await pool.execute(
        f"create sequence public.{name};"
        f"create function public.{name}() returns void language plpgsql as $$ begin "
        f"if nextval('public.{name}') <= {times} then "
        "raise exception 'undone' using errcode = '40001'; end if; end $$"
    )
    return Write(f"select public.{name}()", ())


async def test_what_the_database_undid_is_tried_again(pool: Pool, collector: Books) -> None:
    twice = await undone(pool, 2)

    verdict = await collector.commit(group("again", ("anna", "ben", 1)), accepted=[twice])

    assert (verdict.accepted, verdict.repeat) == (True, False)


async def test_tries_end_and_others_do_not_suffer(
    pool: Pool, ledger: str, collector: Books
) -> None:
    always = await undone(pool, 1_000)
    asked = [
        collector.commit(group(f"n{number}", ("anna", "ben", 1)), accepted=writes)
        for number, writes in enumerate([[], [always], []])
    ]

    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(answer) for answer in answers] == [Verdict, LedgerUnavailable, Verdict]
    assert await free(pool, ledger, "ben") == 2


async def test_a_malformed_group_is_refused_before_it_waits(collector: Books) -> None:
    with pytest.raises(GroupInvalid):
        await collector.commit(group("x", ("anna", "anna", 1)))


async def test_books_of_an_unknown_ledger_do_not_open(pool: Pool) -> None:
    with pytest.raises(LedgerUnknown):
        async with Books(pool, CLOCK, ledger="nowhere"):
            pass


async def test_closing_answers_everybody_who_came_before_and_nobody_after(
    pool: Pool, ledger: str
) -> None:
    opened = Books(pool, CLOCK, ledger=ledger)
    waiting = [
        asyncio.create_task(opened.commit(group(f"n{number}", ("anna", "ben", 1))))
        for number in range(600)
    ]
    await asyncio.sleep(0)

    await opened.close()

    assert all(task.done() and task.result().accepted for task in waiting)
    with pytest.raises(LedgerUnavailable):
        await opened.commit(group("late", ("anna", "ben", 1)))


async def test_a_stopping_process_leaves_nobody_waiting(pool: Pool, ledger: str) -> None:
    opened = Books(pool, CLOCK, ledger=ledger)
    waiting = [
        asyncio.create_task(opened.commit(group(f"n{number}", ("anna", "ben", 1))))
        for number in range(600)
    ]
    await asyncio.sleep(0)
    runner = next(task for task in asyncio.all_tasks() if task.get_name().startswith("books"))
    await asyncio.sleep(0.005)
    runner.cancel()

    answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)

    assert {type(answer) for answer in answers} <= {OutcomeUnknown, LedgerUnavailable, Verdict}
    assert LedgerUnavailable in {type(answer) for answer in answers}


async def test_who_leaves_before_the_batch_posts_nothing(
    pool: Pool, ledger: str, collector: Books
) -> None:
    first = asyncio.create_task(collector.commit(group("first", ("anna", "ben", 1))))
    await asyncio.sleep(0)
    gone = asyncio.create_task(collector.commit(group("gone", ("anna", "ben", 1))))
    await asyncio.sleep(0)
    gone.cancel()

    assert (await first).accepted
    await collector.commit(None)
    async with pool.acquire() as db:
        assert await transfer(db, group_id("gone"), ledger=ledger) is None


async def test_a_full_queue_refuses_at_once(
    ledger: str, collector: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "WAITING_UNITS_MAX", 2)
    asked = [collector.commit(group(f"n{number}", ("anna", "ben", 1))) for number in range(3)]

    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert [isinstance(answer, LedgerBusy) for answer in answers] == [False, False, True]


@pytest.mark.parametrize("with_group", [True, False])
async def test_an_answer_lost_after_the_commit_is_looked_up(
    database_url: str, pool: Pool, notes: Notes, with_group: bool
) -> None:
    asked = group("paid", ("anna", "ben", 7)) if with_group else None
    async with cut_line(database_url) as line:
        through = await open_pool(line.url, size=2)
        async with Books(through, CLOCK, ledger=notes.ledger) as opened:
            line.cut = Cut.AFTER

            verdict = await opened.commit(asked, accepted=[notes.write("done")])

            assert verdict.accepted
            assert line.cut is Cut.NONE
        await through.close()
    assert await notes.all() == ["done"]
    assert await free(pool, notes.ledger, "ben") == (7 if with_group else 0)


@pytest.mark.parametrize("with_group", [True, False])
async def test_a_commit_that_never_arrived_is_known_not_to_have_happened(
    database_url: str, pool: Pool, notes: Notes, with_group: bool
) -> None:
    asked = group("paid", ("anna", "ben", 7)) if with_group else None
    async with cut_line(database_url) as line:
        through = await open_pool(line.url, size=2)
        async with Books(through, CLOCK, ledger=notes.ledger) as opened:
            line.cut = Cut.BEFORE
            with pytest.raises(LedgerUnavailable):
                await opened.commit(asked, accepted=[notes.write("done")])
            assert await notes.all() == []

            again = await opened.commit(asked, accepted=[notes.write("done")])

            assert (again.accepted, again.repeat) == (True, False)
        await through.close()
    assert await free(pool, notes.ledger, "ben") == (7 if with_group else 0)


async def test_an_outcome_nobody_can_look_up_is_called_unknown_and_a_repeat_tells_it(
    database_url: str, pool: Pool, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "LOOKUP_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(books, "LOOKUP_TRIES_MAX", 2)
    paid = group("paid", ("anna", "ben", 7))
    async with cut_line(database_url) as line:
        through = await open_pool(line.url, size=1)
        async with Books(through, CLOCK, ledger=ledger) as opened:
            line.cut, line.refusing = Cut.AFTER, True
            with pytest.raises(OutcomeUnknown):
                await opened.commit(paid)
            line.refusing = False

            again = await opened.commit(paid)

            assert (again.accepted, again.repeat) == (True, True)
        await through.close()
    assert await free(pool, ledger, "ben") == 7


async def test_sessions_killed_under_load_lose_and_double_nothing(
    pool: Pool, database_url: str, ledger: str
) -> None:
    mine = await open_pool(database_url, size=2)
    names = [f"{uuid.uuid4()}" for _ in range(1_500)]
    answers: dict[str, bool] = {}

    async def pay(opened: Books, name: str) -> None:
        try:
            answers[name] = (await opened.commit(group(name, (EQUITY, "ben", 1)))).accepted
        except LedgerUnavailable:
            answers[name] = False

    async def kill() -> None:
        for _ in range(12):
            await asyncio.sleep(0.03)
            await pool.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where query like "
                "'%ledger_post_batch%' and pid <> pg_backend_pid() and datname = current_database()"
            )

    async with Books(mine, CLOCK, ledger=ledger) as opened:
        killer = asyncio.create_task(kill())
        for start in range(0, len(names), 50):
            await asyncio.gather(*(pay(opened, name) for name in names[start : start + 50]))
        await killer
    await mine.close()

    paid = sum(answers.values())
    assert len(answers) == len(names)
    assert await free(pool, ledger, "ben") == paid
    assert (await proof(pool, ledger)).fault is None
