"""Where the edge listens: what the setting may say, and how workers share an address."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.gateway.http.corpus import get
from tests.gateway.http.rig import live, read_all, read_answers

from bankside.gateway.http.proxies import TrustedProxies
from bankside.gateway.listen import (
    Address,
    ListenInvalid,
    drop_privileges,
    open_listeners,
    parse_addresses,
)


def test_one_setting_names_several_addresses() -> None:
    text = "127.0.0.1:8080, [::1]:8081,:80,unix:/run/edge.sock, bank.example:0"

    addresses = parse_addresses(text)

    assert addresses == [
        Address("127.0.0.1", 8080),
        Address("::1", 8081),
        Address("0.0.0.0", 80),
        Address(path="/run/edge.sock"),
        Address("bank.example", 0),
    ]
    assert ",".join(map(str, addresses)) == (
        "127.0.0.1:8080,[::1]:8081,0.0.0.0:80,unix:/run/edge.sock,bank.example:0"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "1 to 16"),
        (",,", "1 to 16"),
        ("localhost", "expected host:port"),
        ("::1:80", "expected host:port"),
        ("localhost:", "the port is a number"),
        ("localhost:http", "the port is a number"),
        ("localhost:65536", "the port is a number"),
        ("localhost:-1", "the port is a number"),
        ("localhost:\u0661", "the port is a number"),
        ("unix:", "the path is missing"),
        ("a:1,a:1", "stands twice"),
        (",".join(f"a:{port}" for port in range(1, 18)), "1 to 16"),
    ],
)
def test_a_bad_address_is_refused_by_name(text: str, reason: str) -> None:
    with pytest.raises(ListenInvalid, match=reason):
        parse_addresses(text)


def test_every_worker_has_a_socket_of_its_own_on_the_same_free_port() -> None:
    workers = open_listeners([Address("127.0.0.1", 0), Address("::1", 0)], workers=3)

    try:
        for index in range(2):
            ports = {sockets[index].getsockname()[1] for sockets in workers}
            assert len(ports) == 1
        assert len({each.fileno() for sockets in workers for each in sockets}) == 6
    finally:
        for sockets in workers:
            for each in sockets:
                each.close()


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_an_address_in_use_is_named_and_nothing_stays_open() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        before = open_files()

        with pytest.raises(ListenInvalid, match=rf"127\.0\.0\.1:{port}: Address already in use"):
            open_listeners([Address("127.0.0.1", 0), Address("127.0.0.1", port)])

        assert open_files() == before


def test_an_unknown_host_is_refused_by_name() -> None:
    with pytest.raises(ListenInvalid, match=r"cannot listen on no-such-host\.invalid:80"):
        open_listeners([Address("no-such-host.invalid", 80)])


def test_calls_arrive_over_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "edge.sock")
    proxies = TrustedProxies(["unix"])

    with live(unix_path=path, proxies=proxies) as server:
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o660
        for fields in (b"", b"X-Forwarded-For: 198.51.100.7\r\n"):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                client.sendall(get(fields=b"Connection: close\r\n" + fields))
                assert read_answers(read_all(client))[0].status == 200

    assert [x.peer for x in server.calls] == ["unix", "198.51.100.7"]


def test_an_abandoned_unix_socket_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    address = Address(path=str(tmp_path / "edge.sock"))
    open_listeners([address])[0][0].close()  # the file stays, nobody listens

    first = open_listeners([address], workers=2)
    with pytest.raises(ListenInvalid, match="already in use"):
        open_listeners([address])

    for sockets in first:
        sockets[0].close()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")

    with pytest.raises(ListenInvalid, match="already in use"):
        open_listeners([Address(path=str(path))])

    assert path.read_text() == "mine"


def test_an_unknown_user_cannot_be_become() -> None:
    with pytest.raises(ListenInvalid, match="no user nobody-of-that-name"):
        drop_privileges("nobody-of-that-name")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_privileges_are_dropped_for_good_after_binding() -> None:
    program = (
        "import os\n"
        "from bankside.gateway.listen import Address, drop_privileges, open_listeners\n"
        "open_listeners([Address('127.0.0.1', 0)])\n"
        "drop_privileges('nobody')\n"
        "assert os.geteuid() != 0 and os.getgroups() != [0]\n"
        "try:\n"
        "    os.setuid(0)\n"
        "except PermissionError:\n"
        "    print('kept down')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert done.stdout == "kept down\n", done.stderr
