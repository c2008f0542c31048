"""The facts this slice publishes; whoever serves snapshots compiles a new one after each of them.

``moved`` is the bank's own; the others go to each partner whom they concern, and leave the house by
webhook (``partners.webhooks``): product, version, state, successor and the day it may be withdrawn.
"""

MOVED = "catalog.version.moved"
SUSPENDED = "catalog.version.suspended"
RESUMED = "catalog.version.resumed"
TOLD = "catalog.product."

# Every event above starts with this; a consumer that recompiles needs no list.
PREFIX = "catalog.version."
