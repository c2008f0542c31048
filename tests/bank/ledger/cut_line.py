"""A TCP proxy to PostgreSQL that loses the line at the worst moment: around a COMMIT."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum
from urllib.parse import urlsplit, urlunsplit


class Cut(Enum):
    """What the proxy does to the next COMMIT it sees."""

    NONE = "passes it on"
    BEFORE = "loses the line before the server got it"
    AFTER = "loses the line when the server has answered it"


class CutLine:
    """The proxy; ``url`` leads through it. ``cut`` is armed for one COMMIT."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self.url = ""
        self.cut = Cut.NONE
        self.refusing = False

    async def serve(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        login = self._target.netloc.rpartition("@")[0]
        self.url = urlunsplit(self._target._replace(netloc=f"{login}@127.0.0.1:{port}"))
        return server

    async def _connection(
        self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter
    ) -> None:
        if self.refusing:
            client_out.close()
            return
        server_in, server_out = await asyncio.open_connection(
            self._target.hostname, self._target.port
        )
        back = asyncio.create_task(_pump(server_in, client_out))
        try:
            while data := await client_in.read(65536):
                if b"COMMIT" in data and self.cut is not Cut.NONE:
                    cut, self.cut = self.cut, Cut.NONE
                    if cut is Cut.AFTER:
                        back.cancel()
                        with suppress(asyncio.CancelledError):
                            await back
                        server_out.write(data)
                        await server_in.read(65536)
                    break
                server_out.write(data)
        except ConnectionError:
            pass
        finally:
            back.cancel()
            client_out.close()
            server_out.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
    target.close()


@asynccontextmanager
async def cut_line(url: str) -> AsyncIterator[CutLine]:
    """A proxy in front of the server of ``url``, gone with the block."""
    line = CutLine(url)
    server = await line.serve()
    try:
        yield line
    finally:
        server.close()
