"""Use cases of the customers slice."""

from bankside.bank.branches import branch as find_branch
from bankside.bank.customers import rules, store
from bankside.bank.customers.errors import CustomerExists, CustomerNotFound
from bankside.bank.customers.model import Customer, Registration
from bankside.kernel.clock import Clock, booking_date
from bankside.kernel.db import Connection
from bankside.kernel.ids import CustomerId, is_reference, new_id
from bankside.kernel.paging import Page, checked_cursor, checked_limit


async def register(db: Connection, clock: Clock, partner: str, asked: Registration) -> Customer:
    """A new customer stands in the data space.

    Raises CustomerExists (also for a taken resident id or credit code), BranchNotFound and the
    refusals of ``rules.admitted``.
    """
    admitted = rules.admitted(asked, today=booking_date(clock))
    if admitted.branch is not None:
        await find_branch(db, partner, admitted.branch)
    customer = Customer(
        id=admitted.id or CustomerId(new_id("customer", clock)),
        partner=partner,
        kind=admitted.kind,
        name_zh=admitted.name_zh,
        name_en=admitted.name_en,
        resident_id=admitted.resident_id,
        credit_code=admitted.credit_code,
        birth_date=admitted.birth_date,
        branch=admitted.branch,
        facts=admitted.facts,
        created_at=clock.now(),
    )
    if not await store.insert(db, customer):
        raise CustomerExists
    return customer


async def customer(db: Connection, partner: str, customer_id: str) -> Customer:
    """The customer, or CustomerNotFound (also for another data space's)."""
    found = await store.find(db, partner, customer_id) if is_reference(customer_id) else None
    if found is None:
        raise CustomerNotFound(f"there is no customer {customer_id}")
    return found


async def customers(
    db: Connection, partner: str, *, cursor: str | None = None, limit: int | None = None
) -> Page[Customer]:
    """A page of the data space's customers, by id (oldest first)."""
    size = checked_limit(limit)
    found = await store.page(db, partner, checked_cursor(cursor), size + 1)
    return Page.cut(found, size, key=lambda each: each.id)
