"""Invoices: exact taxes, a number and a hash that can be checked, cancelled in red once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny

from bankside.kernel.errors import BanksideError
from bankside.orders.primitives.invoice import TAX_RATES_BP, gross, tax_on

INVOICES = "bill.invoices"


async def _asked(bank: LittleBank, total: str = "226.00") -> dict[str, Any]:
    await bank.account()
    return {
        "seller": bank.customer,
        "buyer_name": "海棠贸易有限公司",
        "lines": [
            {"name": "咖啡豆", "amount": cny("100.00"), "tax_rate_bp": 1300},
            {"name": "运输", "amount": cny("103.67"), "tax_rate_bp": 900},
        ],
        "total": cny(total),
    }


async def test_an_invoice_states_net_tax_and_total_exactly(bank: LittleBank) -> None:
    shown = await bank.shown(f"{INVOICES}.create", await _asked(bank))

    invoice = shown["result"]["invoice"]
    assert (invoice["net"], invoice["tax"]) == (cny("203.67"), cny("22.33"))
    assert (shown["status"], invoice["verified"], len(invoice["invoice_no"])) == (
        "issued",
        True,
        20,
    )


async def test_lines_that_do_not_add_up_to_the_total_are_refused(bank: LittleBank) -> None:
    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{INVOICES}.create", await _asked(bank, total="226.01"))

    assert refused.value.code == "invoice.total_mismatch"


async def test_only_the_number_and_hash_that_were_issued_are_genuine(bank: LittleBank) -> None:
    shown = await bank.shown(f"{INVOICES}.create", await _asked(bank))
    invoice = shown["result"]["invoice"]
    claim = {"invoice_no": invoice["invoice_no"], "invoice_hash": invoice["hash"]}
    forged = {**claim, "invoice_hash": "0" * 64}

    true = await bank.shown(f"{INVOICES}.verifications", claim, path=shown["id"])
    false = await bank.shown(f"{INVOICES}.verifications", forged, path=shown["id"])

    assert true["result"]["invoice"]["verified"] is True
    assert false["result"]["invoice"]["verified"] is False


async def test_a_red_letter_invoice_cancels_an_invoice_once(bank: LittleBank) -> None:
    shown = await bank.shown(f"{INVOICES}.create", await _asked(bank))
    credited = await bank.shown(f"{INVOICES}.revoke", {}, path=shown["id"])

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{INVOICES}.revoke", {}, path=shown["id"])

    red = credited["result"]["invoice"]["red_letter"]
    assert (red["net"], red["tax"]) == (cny("-203.67"), cny("-22.33"))
    assert (credited["status"], refused.value.code) == ("credited", "invoice.already_credited")


async def test_a_tax_rate_that_is_not_in_force_is_refused(bank: LittleBank) -> None:
    asked = await _asked(bank)
    asked["lines"][0]["tax_rate_bp"] = 1700

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{INVOICES}.create", asked)

    assert refused.value.errors[0]["pointer"] == "/lines/0/tax_rate_bp"


@given(st.lists(st.tuples(st.integers(1, 10**12), st.sampled_from(TAX_RATES_BP)), max_size=20))
def test_taxes_are_never_off_by_more_than_half_a_cent_a_line(lines: list[tuple[int, int]]) -> None:
    rows = [{"net_minor": net, "rate_bp": rate} for net, rate in lines]
    exact = sum(net * (10_000 + rate) for net, rate in lines)

    assert abs(gross(rows) * 10_000 - exact) <= 5_000 * len(lines)
    assert all(tax_on(net, 0) == 0 for net, _ in lines)
