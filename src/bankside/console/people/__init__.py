"""The faces of bank staff and of partner users: who one is, what one may do, and who else is there.

Always true: a page asks for its right by name and shows nothing without it, but says which roles
have it and who gives it; what is not built yet is said to be so. Everything else of the console
comes with later versions and will stand on these pages.

Public: routes (the handlers of both realms).
"""

from bankside.console.people.routes import routes

__all__ = ["routes"]
