"""An address that somebody outside chose leads to the open internet or nowhere (OWASP API7)."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bankside.kernel.egress import BYTES_MAX, Egress, EgressRefused, is_public


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """A server on this machine that says one thing and closes."""

    async def said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(said, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/keys",
        "https://example.com:8443/keys",
        "https://user@example.com/keys",
        "https://example.com/keys#a",
        "https:///keys",
        "https://exa mple.com/",
        "https://example.com:port/",
        "https://[::1/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "https://example.com/" + "x" * 600,
        "https://例子.example/",
        "https://example.com/\r\nhost: x",
        "",
    ],
)
async def test_only_plain_https_addresses_are_called(url: str) -> None:
    with pytest.raises(EgressRefused):
        await Egress().get(url)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]", "127.1", "2130706433", "0x7f.1"),
        *("10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1"),
        *("[fe80::1]", "[fc00::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "[2002:a00:1::]"),
    ],
)
async def test_no_name_leads_behind_our_walls(host: str) -> None:
    with pytest.raises(EgressRefused):
        await Egress().get(f"https://{host}/keys")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("64:ff9b::5db8:d822", False),
        ("169.254.169.254", False),
        ("fd00:ec2::254", False),
        ("::ffff:169.254.169.254", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("0.0.0.0", False),
        ("192.0.2.1", False),
    ],
)
def test_public_means_public_in_every_disguise(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


async def test_a_name_with_one_inner_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the second answer of a name that changes between two look-ups: it is asked once."""
    loop, asked, dialled = asyncio.get_running_loop(), [], []

    async def resolved(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        each = ["93.184.216.34", "10.0.0.1"] if "mixed" in host else ["93.184.216.34"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in each]

    async def connected(host: str, port: int, **more: Any) -> Any:
        dialled.append((host, port, more["server_hostname"]))
        raise OSError

    monkeypatch.setattr(loop, "getaddrinfo", resolved)
    monkeypatch.setattr(asyncio, "open_connection", connected)
    for name in ("mixed.example", "rebinding.example"):
        with pytest.raises(EgressRefused):
            await Egress().get(f"https://{name}/")

    assert asked == ["mixed.example", "rebinding.example"]
    assert dialled == [("93.184.216.34", 443, "rebinding.example")]


async def test_loopback_answers_where_the_installation_allows_it() -> None:
    async with answering(ok(b'{"keys":[]}')) as url:
        assert await Egress(loopback=True).get(url) == b'{"keys":[]}'
        with pytest.raises(EgressRefused):
            await Egress().get(url)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nlocation: https://example.com/\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n" + b"x" * (3 * BYTES_MAX),
        ok(b"x" * (BYTES_MAX + 1)),
        b"SSH-2.0-OpenSSH\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_redirects_large_and_strange_answers_are_refused(answer: bytes) -> None:
    async with answering(answer) as url:
        with pytest.raises(EgressRefused):
            await Egress(loopback=True).get(url)


async def test_a_server_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bankside.kernel.egress.SECONDS_MAX", 0.2)
    done = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(EgressRefused):
            await Egress(loopback=True).get(f"http://127.0.0.1:{port}/")
        done.set()


def test_the_loopback_setting_opens_nothing_else() -> None:
    checked: Callable[[str], Any] = Egress(loopback=True).checked

    assert checked("http://127.0.0.1:9000/keys").hostname == "127.0.0.1"
    for url in ("ftp://127.0.0.1/", "http://user@127.0.0.1/"):
        with pytest.raises(EgressRefused):
            checked(url)


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254"])
async def test_private_addresses_stay_closed_beside_loopback(host: str) -> None:
    for scheme in ("http", "https"):
        with pytest.raises(EgressRefused):
            await Egress(loopback=True).get(f"{scheme}://{host}/keys")
