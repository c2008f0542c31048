"""Waits until the children answer, and says what happened when they do not."""

import http.client
import ssl
import time
import urllib.parse

from bankside.app.settings import Settings
from bankside.app.supervisor import Supervisor

# A first start on a slow disk takes seconds; after this the logs are the better place to look.
READY_SECONDS = 60.0
ASK_SECONDS = 0.05


def until_ready(settings: Settings, supervisor: Supervisor) -> bool:
    """True once edge and web are ready; False when a signal came or a minute passed."""
    deadline = time.monotonic() + READY_SECONDS
    waiting = [settings.edge_url, settings.web_url]
    while waiting and not supervisor.stopping:
        fallen = supervisor.fallen()
        if fallen or time.monotonic() > deadline:
            what = ", ".join(f"{child.name} (log: {child.log})" for child in fallen)
            print(f"not everything came up: {what or ', '.join(waiting)}", flush=True)
            return False
        waiting = [url for url in waiting if not ready(url)]
        time.sleep(ASK_SECONDS)
    return not supervisor.stopping


def ready(url: str) -> bool:
    """Whether ``url``/readyz answers 200."""
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        # Our own child on this machine, asked whether it is up: nothing is told it, nothing kept.
        unverified = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(host, port, timeout=1, context=unverified)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
