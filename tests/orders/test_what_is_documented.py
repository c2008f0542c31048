"""What documents say of operations is what their code does: refusals, lists, printed samples."""

from datetime import date

from bankside.bank.customers.rules import checked_resident_id
from bankside.catalog import load
from bankside.catalog.apis import example
from bankside.orders.families import handler, payout
from bankside.orders.families.records import Records
from bankside.orders.refusals import codes


def test_reads_of_orders_about_an_account_document_that_there_is_no_such_account() -> None:
    seen = 0
    for product in load().products.values():
        for operation in product.all_operations:
            read = getattr(handler(product, operation), "__self__", None)
            if isinstance(read, Records) and operation.word in {"list", "exports"}:
                assert "account.not_found" in codes(product, operation), operation.id
                seen += 1
    assert seen >= 14


def test_the_lines_of_an_order_are_always_a_list_of_lines() -> None:
    seen = 0
    for product in load().products.values():
        for operation in product.all_operations:
            if operation.word == "lines":
                assert handler(product, operation) is payout.lines, operation.id
                seen += 1
    assert seen >= 10


def test_the_printed_legal_representative_has_a_resident_id_that_can_be() -> None:
    printed = example(load().operations["account.business-accounts.create"].inputs)
    assert checked_resident_id(printed["legal_representative_no"], today=date(2026, 3, 2))
