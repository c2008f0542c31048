"""Many bad neighbours: slow heads and idle connections do not disturb who behaves.

The guide's full size is 500 slow and 5,000 idle connections: ``BANKSIDE_CROWD=11`` runs it.
"""

import os
import resource
import socket
import time

from tests.gateway.http.corpus import post
from tests.gateway.http.rig import live, memory_kib, read_one

from bankside.gateway.http.limits import Limits

SCALE = int(os.environ.get("BANKSIDE_CROWD", "1"))
SLOW = 45 * SCALE
IDLE = 455 * SCALE
CALLS = 500


def test_slow_and_idle_connections_do_not_disturb_the_others() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    limits = Limits(connections_per_source=SLOW + IDLE + 10)
    before = memory_kib()
    crowd: list[socket.socket] = []
    try:
        with live(limits=limits) as server:
            crowd += [server.connect() for _ in range(SLOW + IDLE)]
            for slow in crowd[:SLOW]:
                slow.sendall(b"POST /a HTTP/1.1\r\nHost: a\r\nX-Slow: ")

            served = 0
            longest = 0.0
            with server.connect() as client:
                for number in range(CALLS):
                    started = time.perf_counter()
                    client.sendall(post(b"Content-Length: 100\r\n", b"x" * 100))
                    served += read_one(client).status == 200
                    longest = max(longest, time.perf_counter() - started)
                    crowd[number % SLOW].sendall(b"s")

            assert served == CALLS
            # A server that waited for the slow ones would wait for ten seconds.
            assert longest < 8.0
            assert len(server.server.connections) >= SLOW + IDLE
            # Both ends live in this process: the bound holds for them together.
            assert memory_kib() - before < 200 * 1024
            for each in crowd:
                each.close()
    finally:
        for each in crowd:
            each.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
