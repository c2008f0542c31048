"""Callbacks: an order's later facts in the form its partner reads, dialect by dialect.

Always true: a callback is rendered from the event alone; the address was checked when it was named,
and is checked again when it is called; each attempt is signed afresh and carries the event's id.

Public: FORM_TYPE, Fact; alipay_form, alipay_accepted; icbc_form, icbc_accepted; and for the payer's
way back alipay_return, icbc_return, native_return.
"""

from bankside.gateway.callbacks.alipay import accepted as alipay_accepted
from bankside.gateway.callbacks.alipay import form as alipay_form
from bankside.gateway.callbacks.fact import FORM_TYPE, Fact
from bankside.gateway.callbacks.icbc import accepted as icbc_accepted
from bankside.gateway.callbacks.icbc import form as icbc_form
from bankside.gateway.callbacks.native import accepted as native_accepted
from bankside.gateway.callbacks.native import headers as native_headers
from bankside.gateway.callbacks.returns import alipay_return, icbc_return, native_return

__all__ = [
    "FORM_TYPE",
    "Fact",
    "alipay_accepted",
    "alipay_form",
    "alipay_return",
    "icbc_accepted",
    "icbc_form",
    "icbc_return",
    "native_accepted",
    "native_headers",
    "native_return",
]
