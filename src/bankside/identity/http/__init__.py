"""The authorization server over HTTP: Litestar handlers that read, call the slices and answer.

Public: AuthorizationServer, routes, RefusedPage; for the interaction pages browser_of and
INTERACTIONS.
"""

from bankside.identity.addresses import INTERACTIONS
from bankside.identity.http.browser import browser_of
from bankside.identity.http.routes import RefusedPage, routes
from bankside.identity.http.server import AuthorizationServer

__all__ = ["INTERACTIONS", "AuthorizationServer", "RefusedPage", "browser_of", "routes"]
