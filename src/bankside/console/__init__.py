"""The web face: start page with the shelf, health and the first call; portal and console later.

Shows and asks, never decides: what it shows comes from the catalogue and the same rows the edge
writes. Server-rendered, zh and en, without script, under a strict content security policy.

Public: Site (what `app` hands in), build (the ASGI application), link_refused (the page for a
sign-in link that cannot be used).
"""

from bankside.console.site import Site, build, link_refused

__all__ = ["Site", "build", "link_refused"]
