"""The customer's face: consent and payment pages, and the customer's own consents.

Always true: works without script, in zh and en; every form carries a token of its browser; where a
page leads to is never taken from the request; nobody is shown what another customer has.

Public: routes (the handlers).
"""

from bankside.console.customer.routes import routes

__all__ = ["routes"]
