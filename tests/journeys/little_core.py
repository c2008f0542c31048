"""A service of the bank, as a process of its own: tips for waiters, and every way to misbehave.

Usage: ``python -m tests.journeys.little_core``; prints its port. ``POST /mood`` with a word changes
how it behaves: well, hang, drip, storm, garbage, head, wrong, refuse.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

DRIP_SECONDS = 1.0
HANG_SECONDS = 30.0


class Core(BaseHTTPRequestHandler):
    """One connection of the service."""

    protocol_version = "HTTP/1.1"
    mood: ClassVar[str] = "well"
    given: ClassVar[int] = 0
    tips: ClassVar[dict[str, dict[str, Any]]] = {}
    seen: ClassVar[list[dict[str, Any]]] = []
    lock: ClassVar[threading.Lock] = threading.Lock()

    def do_GET(self) -> None:
        if self.path == "/seen":
            self._say(200, list(Core.seen))
        elif self._is_well():
            name = self.path.rpartition("/")[2]
            if self.path.startswith("/core/tips/"):
                self._say(200 if name in Core.tips else 404, Core.tips.get(name, {"no": "tip"}))
            else:
                self._say(200, list(Core.tips.values()))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.path == "/mood":
            Core.mood = body.decode()
            self._say(200, {})
            return
        if not self._is_well():
            return
        given = json.loads(body)
        with Core.lock:
            Core.given += 1
            tip = {"id": f"tip{Core.given}", **given}
            Core.tips[tip["id"]] = tip
        self._say(201, tip)

    def do_DELETE(self) -> None:
        if self._is_well():
            with Core.lock:
                Core.tips.pop(self.path.rpartition("/")[2], None)
            self.send_response(204)
            self.end_headers()

    def _is_well(self) -> bool:
        """Note the request; misbehave when that is the mood."""
        with Core.lock:
            Core.seen.append(
                {"method": self.command, "path": self.path, "headers": dict(self.headers)}
            )
        mood = Core.mood
        if mood == "hang":
            time.sleep(HANG_SECONDS)
        elif mood == "drip":
            self._drip()
        elif mood == "storm":
            self._say(500, {"error": "ORA-00600 internal error on core-db-1"})
        elif mood == "garbage":
            self.wfile.write(b"\x16\x03\x01 this is no answer\r\n\r\n")
            self.close_connection = True
        elif mood == "head":
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
            self.close_connection = True
        elif mood == "wrong":
            self._say(200, {"name": "Ning"})
        elif mood == "refuse":
            self._say(402, {"error": "no money, says core-db-1"})
        return mood == "well"

    def _drip(self) -> None:
        for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}":
            try:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
            except OSError:
                break
            time.sleep(DRIP_SECONDS)
        self.close_connection = True

    def _say(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""


class Listening(ThreadingHTTPServer):
    """Takes many connections at once; the edge opens as many as it was told."""

    request_queue_size = 256
    daemon_threads = True


if __name__ == "__main__":
    server = Listening(("127.0.0.1", 0), Core)
    print(server.server_address[1], flush=True)
    server.serve_forever()
