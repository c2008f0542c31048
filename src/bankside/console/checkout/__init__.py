"""The hosted checkout: one page an order, on which a customer pays it, and the code leading there.

Always true: works without script, in zh and en; payee, amount and order stand on the first screen,
before anybody logs in; a payment asks for both factors proven just now and for exactly what the
page had shown; what a page says is read from the order at that instant, so going back, clicking
twice or a second window never pays again; where the way back leads is never taken from a request.

Public: Checkout (what `app` hands in), Calls, WayBack, routes.
"""

from bankside.console.checkout.desk import Calls, Checkout, WayBack
from bankside.console.checkout.routes import routes

__all__ = ["Calls", "Checkout", "WayBack", "routes"]
