"""The ground floor: values and services every room stands on.

Nothing here knows a product, a wire or a screen. Rooms import the module they need
(`from bankside.kernel.money import Money`); the kernel itself imports no room.

Modules: money, ids, clock, errors, db, events, outbox, jobs, caller, call, snapshot, signing,
secrets, metering, telemetry, postgres, migrate.
"""
