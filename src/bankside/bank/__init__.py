"""The bank: the sandbox core that keeps accounts and moves money.

Each slice is entered by its own door (``from bankside.bank.ledger import post``). The ledger is the
ground of the room: it knows no customer and no product, and the other slices stand on it.
"""
