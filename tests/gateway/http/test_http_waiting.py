"""Time, order and memory: nobody waits for ever, answers keep their order, buffers stay small."""

import asyncio
import socket
import time

import pytest
from tests.gateway.http.corpus import get, post
from tests.gateway.http.rig import (
    LiveServer,
    Rig,
    live,
    memory_kib,
    read_all,
    read_answers,
    read_one,
)

from bankside.gateway.exchange import Exchange, Reply
from bankside.gateway.http.limits import Limits

SHORT = Limits(
    tick_s=0.02, head_s=0.2, body_s=0.6, body_grace_s=0.2, idle_s=0.5, answer_s=0.3, call_s=0.3,
    linger_s=0.1,
)  # fmt: skip


# -- deadlines, with the clock in hand -------------------------------------------------------------


def test_a_head_has_ten_seconds_from_its_first_byte() -> None:
    rig = Rig()
    rig.wait(60)
    rig.send(b"GET /a HT")

    rig.wait(10)
    assert not rig.transport.written, "never early"
    rig.wait(1.5)

    assert [(each.status, each.code) for each in rig.answers()] == [(408, "http.request_timeout")]
    assert rig.transport.ended


def test_drip_feeding_a_head_gains_no_time() -> None:
    rig = Rig().send(b"GET /a HTTP/1.1\r\n")
    for _ in range(12):
        rig.send(b"X: y\r\n")
        rig.wait(1)

    assert rig.statuses() == [408]


def test_a_body_must_keep_a_kilobyte_a_second_after_five_seconds() -> None:
    slow = Rig().send(post(b"Content-Length: 50000\r\n"))
    fair = Rig().send(post(b"Content-Length: 50000\r\n"))
    for _ in range(12):
        slow.send(b"x" * 400)
        fair.send(b"x" * 1100)
        slow.wait(1)
        fair.wait(1)

    assert slow.statuses() == [408]
    assert not fair.transport.written
    assert not slow.calls


def test_no_body_takes_longer_than_thirty_seconds() -> None:
    rig = Rig().send(post(b"Content-Length: 90000\r\n"))
    for _ in range(33):
        rig.send(b"x" * 2000)
        rig.wait(1)

    assert rig.statuses() == [408]
    assert rig.server.buffered == 0


def test_an_idle_connection_is_closed_in_silence_after_75_seconds() -> None:
    rig = Rig().send(get())

    rig.wait(75)
    assert not rig.transport.closed
    rig.wait(3)

    assert rig.transport.closed
    assert not rig.transport.aborted
    assert rig.statuses() == [200]


def test_a_connection_that_never_says_anything_is_closed_too() -> None:
    rig = Rig()
    rig.wait(78)

    assert rig.transport.closed
    assert not rig.transport.written


def test_an_answer_nobody_reads_ends_the_connection_after_30_seconds() -> None:
    rig = Rig().send(get())
    rig.transport.unsent = 500

    rig.wait(30)
    assert not rig.transport.closed
    rig.wait(2)

    assert rig.transport.aborted


def test_a_refused_connection_ends_even_if_the_peer_does_not() -> None:
    rig = Rig().send(get(b"*"))
    assert rig.transport.ended
    assert not rig.transport.closed

    rig.wait(3)

    assert rig.transport.closed


def test_what_comes_after_a_refusal_is_dropped_and_bounded() -> None:
    rig = Rig().send(get(b"*"))

    rig.send(get(), b"x" * 60_000)
    assert not rig.transport.closed
    rig.send(b"x" * 6_000)

    assert rig.transport.closed
    assert rig.statuses() == [400]
    assert not rig.calls


def test_a_peer_that_stops_reading_is_not_read_and_not_parsed() -> None:
    rig = Rig().send(get())
    rig.connection.pause_writing()
    assert not rig.transport.reading
    rig.connection.data_received(get(b"/b"))  # it was on its way already

    assert len(rig.calls) == 1
    rig.connection.resume_writing()
    rig.turns.run()

    assert [x.path for x in rig.calls] == ["/a", "/b"]
    assert rig.transport.reading


def test_a_peer_that_does_not_read_for_30_seconds_is_cut_off() -> None:
    rig = Rig().send(get())
    rig.connection.pause_writing()

    rig.wait(30)
    assert not rig.transport.closed
    rig.wait(2)

    assert rig.transport.aborted


def test_pipelined_requests_take_turns_with_other_connections() -> None:
    rig = Rig()
    rig.connection.data_received(get() * 100)

    assert len(rig.calls) == 1
    assert not rig.transport.reading
    rig.turns.run()

    assert len(rig.calls) == 100
    assert rig.transport.reading


# -- the same and more on real sockets -------------------------------------------------------------


def test_timeouts_work_on_real_sockets() -> None:
    with live(limits=SHORT) as server:
        with server.connect() as slow_head, server.connect() as slow_body, server.connect() as idle:
            slow_head.sendall(b"GET /a")
            slow_body.sendall(post(b"Content-Length: 10\r\n", b"x"))
            idle.sendall(get())

            assert [each.status for each in read_answers(read_all(slow_head))] == [408]
            assert [each.status for each in read_answers(read_all(slow_body))] == [408]
            assert [each.status for each in read_answers(read_all(idle))] == [200]
        assert len(server.calls) == 1


async def slow_echo(x: Exchange) -> Reply:
    await asyncio.sleep(0.03 if x.path == "/slow" else 0)
    return Reply(200, [], x.path.encode())


def test_answers_keep_the_order_of_the_requests() -> None:
    with live(slow_echo) as server:
        answers = server.talk(get(b"/slow") + get(b"/b") + get(b"/slow") + get(b"/d"))

    assert [each.body for each in answers] == [b"/slow", b"/b", b"/slow", b"/d"]


def test_one_request_of_a_connection_is_under_way_at_a_time() -> None:
    under_way = 0
    most = 0

    async def counting(x: Exchange) -> Reply:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.002)
        under_way -= 1
        return Reply(200, [], b"")

    with live(counting) as server:
        assert len(server.talk(get() * 30)) == 30

    assert most == 1


def test_a_client_may_end_its_side_and_still_hear_the_answer() -> None:
    with live(slow_echo) as server, server.connect() as client:
        client.sendall(get(b"/slow"))
        client.shutdown(socket.SHUT_WR)

        assert [each.body for each in read_answers(read_all(client))] == [b"/slow"]


def test_a_call_that_never_answers_is_given_up_but_not_cancelled() -> None:
    finished: list[str] = []

    async def endless(x: Exchange) -> Reply:
        await asyncio.sleep(0.6)
        finished.append(x.request_id)
        return Reply(200, [], b"late")

    with live(endless, limits=SHORT) as server:
        with server.connect() as client:
            client.sendall(get())
            answers = read_answers(read_all(client))

        assert [(each.status, each.code) for each in answers] == [(504, "http.answer_late")]
        deadline = time.monotonic() + 5
        while not finished and time.monotonic() < deadline:
            time.sleep(0.02)

    assert finished == [answers[0].headers["x-request-id"]]


def test_a_call_outlives_the_caller_that_went_away() -> None:
    finished: list[str] = []

    async def slow(x: Exchange) -> Reply:
        await asyncio.sleep(0.2)
        finished.append(x.path)
        return Reply(200, [], b"")

    with live(slow) as server:
        with server.connect() as client:
            client.sendall(get(b"/pay"))
            time.sleep(0.05)
        deadline = time.monotonic() + 5
        while not finished and time.monotonic() < deadline:
            time.sleep(0.02)

    assert finished == ["/pay"]


@pytest.mark.parametrize("late", [False, True])
def test_a_bug_in_the_pipeline_is_a_500_without_detail(late: bool) -> None:
    async def fails(x: Exchange) -> Reply:
        raise RuntimeError("secret")

    def raises(x: Exchange) -> Reply:
        raise RuntimeError("secret")

    with live(fails if late else raises) as server:
        answers = server.talk(get() + get())

    assert [(each.status, each.code) for each in answers] == [(500, "internal")] * 2
    assert b"secret" not in answers[0].body


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x", "a\nb", "a\rb", "价"])
def test_a_reply_header_can_not_write_a_line_of_its_own(value: str) -> None:
    with live(lambda x: Reply(200, [("x-a", value)], b"")) as server:
        answers = server.talk(get())

    assert [(each.status, each.code) for each in answers] == [(500, "internal")]


def test_a_refused_upload_gets_its_answer_although_it_goes_on_sending() -> None:
    with live() as server, server.connect() as client:
        client.sendall(post(b"Content-Length: 99999999\r\n"))
        for _ in range(8):
            client.sendall(b"x" * 4096)
            time.sleep(0.005)

        assert [each.status for each in read_answers(read_all(client))] == [413]


def test_a_peer_that_does_not_read_costs_bounded_memory() -> None:
    big = Reply(200, [], b"x" * 100_000)

    with live(lambda x: big) as server, server.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        before = memory_kib()
        client.settimeout(0.5)
        try:
            for _ in range(2_000):
                client.sendall(get() * 100)
        except TimeoutError:
            pass
        calls = len(server.calls)

        assert calls < 200, "parsing stopped"
        assert memory_kib() - before < 50 * 1024
        client.settimeout(10)
        assert client.recv(10) == b"HTTP/1.1 2"


def test_an_unread_answer_is_given_up() -> None:
    big = Reply(200, [], b"x" * 8_000_000)

    with live(lambda x: big, limits=SHORT) as server, server.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(get())
        deadline = time.monotonic() + 5
        while server.server.connections and time.monotonic() < deadline:
            time.sleep(0.02)

        assert not server.server.connections


def test_a_large_answer_arrives_whole() -> None:
    big = bytes(range(256)) * 40_000

    with live(lambda x: Reply(200, [], big)) as server:
        answers = server.talk(get() * 3)

    assert [each.body == big for each in answers] == [True] * 3


# -- how many, and the end -------------------------------------------------------------------------


def test_connections_of_one_address_are_capped() -> None:
    with live(limits=Limits(connections_per_source=3)) as server:
        clients = [server.connect() for _ in range(4)]
        for client in clients[:3]:
            client.sendall(get())
            assert read_one(client).status == 200

        assert clients[3].recv(10) == b""
        assert server.server.counts.dropped == {"source_full": 1}
        clients[0].close()
        time.sleep(0.1)
        with server.connect() as again:
            again.sendall(get())
            assert read_one(again).status == 200
        for client in clients:
            client.close()


def test_connections_of_a_worker_are_capped() -> None:
    with live(limits=Limits(connections_max=2)) as server:
        clients = [server.connect() for _ in range(2)]
        for client in clients:
            client.sendall(get())
            read_one(client)
        with server.connect() as third:
            assert third.recv(10) == b""

        assert server.server.counts.dropped == {"worker_full": 1}
        for client in clients:
            client.close()


def stop_later(server: LiveServer) -> "asyncio.Future[None]":
    return asyncio.run_coroutine_threadsafe(server.server.stop(), server.loop)  # type: ignore[return-value]


def test_a_stop_lets_calls_finish_and_ends_idle_connections() -> None:
    with live(slow_echo) as server:
        idle, busy, kept = server.connect(), server.connect(), server.connect()
        kept.sendall(b"GET /late HTTP/1.1\r\n")
        busy.sendall(get(b"/slow"))
        time.sleep(0.01)
        stopping = stop_later(server)

        assert idle.recv(10) == b""
        answer = read_answers(read_all(busy))[0]
        assert (answer.body, answer.headers["connection"]) == (b"/slow", "close")
        kept.sendall(b"Host: a\r\n\r\n")
        assert read_answers(read_all(kept))[0].headers["connection"] == "close"
        with pytest.raises(OSError):
            server.connect()
        stopping.result()
        for client in (idle, busy, kept):
            client.close()


def test_readiness_is_refused_while_stopping() -> None:
    ready = {"/readyz": lambda: Reply(200, [], b"ready")}
    with live(slow_echo, internal=ready) as server:
        client = server.connect()
        client.sendall(b"GET /readyz HTTP/1.1\r\nHost: a\r\n")
        time.sleep(0.05)
        stopping = stop_later(server)
        time.sleep(0.05)
        client.sendall(b"\r\n")

        assert [each.code for each in read_answers(read_all(client))] == ["http.stopping"]
        stopping.result()
        client.close()


def test_a_stop_does_not_wait_for_ever() -> None:
    async def endless(x: Exchange) -> Reply:
        await asyncio.sleep(60)
        return Reply(200, [], b"")

    with live(endless, limits=Limits(stop_s=0.2)) as server:
        client = server.connect()
        client.sendall(get())
        time.sleep(0.05)
        started = time.monotonic()
        server.do(server.server.stop())

        # The call would take 60 s.
        assert time.monotonic() - started < 30
        with pytest.raises(ConnectionResetError):
            if client.recv(10) == b"":
                raise ConnectionResetError
        client.close()
