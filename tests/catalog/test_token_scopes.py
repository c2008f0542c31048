"""Scopes of access tokens cover the finer ones of products, and no others."""

import pytest

from bankside.catalog import load
from bankside.identity.clients import SCOPES
from bankside.kernel.snapshot import token_scope


@pytest.mark.parametrize(
    ("scope", "covered_by"),
    [
        ("accounts:read", "accounts"),
        ("reports:read", "accounts"),
        ("payments:write", "payments"),
        ("payments", "payments"),
    ],
)
def test_a_products_scope_is_covered_by_one_of_tokens(scope: str, covered_by: str) -> None:
    assert token_scope(scope) == covered_by


def test_every_product_that_takes_a_consent_can_be_reached_by_some_token() -> None:
    catalogue = load()
    either = {each.product for each in catalogue.operations.values() if each.access == "either"}

    for product in either:
        needed = {token_scope(each) for each in catalogue.products[product].consent_scopes}
        assert needed <= set(SCOPES), product
