"""Runs of solutions: orders of orders.

Always true: a run begins each step through the runtime's own door, as a call of the run's app; what
becomes of the orders it began decides what the run does next (``rules``, pure), and one driver at a
time writes that down (``service``). A run that is compensated gives back its steps newest first.

``routes`` are the platform operations, ``asking`` reads requests, ``standing`` says what the app
may do, ``showing`` is the one view, ``waking`` drives runs without a caller.
"""
