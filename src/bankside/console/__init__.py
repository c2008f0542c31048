"""The web face: start page and shelf, the pages of customers, bank staff and partner users.

Shows and asks, never decides: what it shows comes from the catalogue and the same rows the edge
writes. Server-rendered, zh and en, usable without script, under a strict content security policy.
Faces that stand: ``customer``, ``checkout``, ``people``, ``operator`` (the product studio); their
way in: ``entry``. The portal comes later.

Public: Site (what `app` hands in), build (the ASGI application), Pacing (how fast one source may
knock), link_refused (the page for a sign-in link that cannot be used).
"""

from bankside.console.pacing import Pacing
from bankside.console.site import Site, build, link_refused

__all__ = ["Pacing", "Site", "build", "link_refused"]
