"""The demo bank: a small made-up bank that `make run` seeds once, and what scripts learn of it.

Always true: seeding twice changes nothing; ids, numbers, logins and payment codes are the same in
every installation, keys and tokens are made at the first seed and stand in ``<home>/keys/demo``
(readable by their owner alone); ``demo.json`` lists all that a script needs.

Public: seed, write_demo_json, first_call.
"""

from bankside.app.demo.listing import first_call, write_demo_json
from bankside.app.demo.seeding import seed

__all__ = ["first_call", "seed", "write_demo_json"]
