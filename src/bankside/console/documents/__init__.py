"""OpenAPI documents of a part of the platform: one product, or all that a partner holds.

Always true: a document is made of the versions that callers meet now, also those that the bank's
staff drafted or imported; what a partner holds is shown to its own people only.

Public: Documents, routes.
"""

from bankside.console.documents.routes import Documents, routes

__all__ = ["Documents", "routes"]
