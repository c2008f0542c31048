"""The operator's pages: the product studio, where versions of products are looked at and moved.

Always true: a page shows who is touched before it offers a move; a move is offered to those who may
take part in it, asks for a second factor proven just now, and happens only when as many different
people agreed as the life cycle wants; works without script.

Public: routes, Studio.
"""

from bankside.console.operator.routes import routes
from bankside.console.operator.studio import Studio

__all__ = ["Studio", "routes"]
