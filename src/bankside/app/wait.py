"""Waits until the children answer, and says what happened when they do not."""

import http.client
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
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
