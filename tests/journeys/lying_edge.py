"""Somebody between a caller and the edge who changes answers: what a broken platform would say."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# (method, path, status, body as sent) to (status, body) as told.
Lie = Callable[[str, str, int, Any], tuple[int, Any]]


@contextmanager
def lying(edge: str, lie: Lie) -> Iterator[str]:
    """The address of a server that passes everything on, and tells JSON answers as ``lie`` does."""
    host, _, port = edge.removeprefix("http://").partition(":")

    class Between(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            onward = http.client.HTTPConnection(host, int(port), timeout=30)
            onward.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                onward.putheader(name, value)
            onward.endheaders(body or None)
            answer = onward.getresponse()
            status, content = answer.status, answer.read()
            if "json" in answer.headers.get("content-type", "") and b'"items"' not in content[:9]:
                status, said = lie(self.command, self.path, status, json.loads(content))
                content = json.dumps(said).encode()
            self.send_response(status)
            for name, value in answer.headers.items():
                if name.lower() not in {"content-length", "connection", "date", "server"}:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            onward.close()

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _pass_on

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Between)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
