"""Orders: product definitions at work.

Owns every order, its journal, the partner's keys and numbers, and the lines and files of orders.
Always true: an order is a state machine whose steps are bank primitives; its row, its journal, its
postings, the stored answer and its events commit together, so a stop at any point leaves either all
of a change or nothing; a key or a number names one thing for ever.

Public: Orders (``handle`` for the edge, ``runnable`` for the catalogue, ``resume``/``resume_job``,
``expire`` and ``end_of_day`` for workers, ``payment_pages`` for the web: PaymentPages, PaymentPage,
PageState, Paying); posted_records (what reconciliation compares with the ledger); order_facts (an
order as its events tell it); in_flight (how many orders of a product still run);
state_of_space (what no refusal may change); events are listed in ``events``.
"""

from bankside.orders.events import facts as order_facts
from bankside.orders.families.desk_page import PageState, PaymentPage
from bankside.orders.families.desk_payment import Paying, PaymentPages
from bankside.orders.reconciling import records as posted_records
from bankside.orders.service import Orders
from bankside.orders.store_flights import in_flight
from bankside.orders.store_spaces import state_of_space

__all__ = [
    "Orders",
    "PageState",
    "Paying",
    "PaymentPage",
    "PaymentPages",
    "in_flight",
    "order_facts",
    "posted_records",
    "state_of_space",
]
