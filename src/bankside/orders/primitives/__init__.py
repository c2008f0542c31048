"""The primitive operations that are built, by their name in a definition.

A name that is missing here makes every product that needs it answer ``product.not_available``.
"""

from collections.abc import Mapping

from bankside.orders.primitives import collect, control, hold, payout, split, transfer
from bankside.orders.primitives.effect import Ask, Effect, Primitive

PRIMITIVES: Mapping[str, Primitive] = {
    "transfer.execute": transfer.EXECUTE,
    "collect.create": collect.CREATE,
    "collect.confirm": collect.CONFIRM,
    "collect.settle": collect.SETTLE,
    "collect.refund": collect.REFUND,
    "split.register": split.REGISTER,
    "split.execute": split.EXECUTE,
    "split.finish": split.FINISH,
    "hold.place": hold.PLACE,
    "hold.capture": hold.CAPTURE,
    "hold.release": hold.RELEASE,
    "payout.submit": payout.SUBMIT,
    "payout.settle": payout.SETTLE,
    "notify.send": control.SEND,
    "query.read": control.READ,
    "query.file": control.FILE,
}

__all__ = ["PRIMITIVES", "Ask", "Effect", "Primitive"]
