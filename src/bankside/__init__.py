"""bankside: the platform with which a bank becomes an open bank.

Every folder below is a room; `docs/build/rooms.md` says what each one owns.
"""

__version__ = "0.1.0"
