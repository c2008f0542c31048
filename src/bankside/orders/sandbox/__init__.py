"""The sandbox of one app: its test people, its own clock, and outcomes that are asked for.

Always true: a space and its clock belong to one sandbox app and move no other; what a live app
asks for here is refused. The registrations stand in ``partners.sandboxes``.

``people`` (who lives in a fresh space), ``seeding`` (moves them in, funds, tells), ``clocks`` (by
whose clock an order is worked on), ``jump`` (runs what is due in between), ``routes`` (the platform
operations).
"""
