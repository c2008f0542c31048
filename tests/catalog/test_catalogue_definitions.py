"""The definitions as adopted: their numbers, their names, and what the validator refuses."""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from bankside import catalog
from bankside.catalog import validation
from bankside.catalog.loading import DEFINITIONS, documents
from bankside.catalog.validation.toy_bank import ToyBank, run_product

Documents = dict[str, Any]


@cache
def pristine() -> Documents:
    return documents(DEFINITIONS)


def entry(files: Documents, product: str) -> dict[str, Any]:
    """The product's own entry in the documents."""
    for name, document in files.items():
        if name.startswith("products/"):
            for each in document["products"]:
                if each["id"] == product:
                    return each  # type: ignore[no-any-return]
    raise KeyError(product)


def faults_after(change: Callable[[Documents], None]) -> list[str]:
    files = copy.deepcopy(pristine())
    change(files)
    return [str(fault) for fault in validation.check(files)]


def test_the_definitions_have_no_fault() -> None:
    assert validation.check() == []


def test_the_whole_capability_map_is_adopted() -> None:
    catalogue = catalog.load()
    products = catalogue.products.values()

    assert len(catalogue.categories) == 18
    assert len(products) == 222
    assert sum(product.tier == "core" for product in products) == 66
    assert sum(len(product.operations) for product in products) == 945
    assert len(catalogue.clouds) == 40
    assert sum(len(cloud.operations) for cloud in catalogue.clouds.values()) == 232
    assert len(catalogue.solutions) == 17
    assert len(catalogue.primitives) == 20
    assert sum(len(each.operations) for each in catalogue.primitives.values()) == 77
    assert (len(catalogue.scenes), len(catalogue.industries)) == (68, 20)
    assert len(catalogue.archetypes) == 116


def test_the_toy_ledger_posts_what_the_map_was_checked_with() -> None:
    postings = 0
    for product in catalog.load().products.values():
        bank = ToyBank()
        run_product(bank, product)
        postings += bank.postings
        assert not any(bank.sums().values())

    assert postings == 356


def test_945_operations_have_945_different_wire_paths_and_ids() -> None:
    operations = [
        operation
        for product in catalog.load().products.values()
        for operation in product.operations
    ]

    assert len({each.icbc_path for each in operations}) == 945
    assert len({each.id for each in operations}) == 945
    everything = catalog.load().operations
    assert len({each.icbc_path for each in everything.values()}) == len(everything)


@pytest.mark.parametrize(
    ("operation", "method", "path", "wire_path"),
    [
        (
            "merchant.scan-payments.create",
            "POST",
            "/v1/scan-payments",
            "/api/merchant/scan-payments/create/V1",
        ),
        (
            "merchant.merchant-refunds.query",
            "GET",
            "/v1/merchant-refunds/{merchantRefundId}",
            "/api/merchant/merchant-refunds/query/V1",
        ),
        (
            "payment.direct-debits.mandates-create",
            "POST",
            "/v1/direct-debit-mandates",
            "/api/payment/direct-debits/mandates-create/V1",
        ),
        (
            "loan.personal-loans.applications-query",
            "GET",
            "/v1/personal-loan-applications/{applicationId}",
            "/api/loan/personal-loans/applications-query/V1",
        ),
        (
            "merchant.split-orders.splits",
            "POST",
            "/v1/split-orders/{splitOrderId}/splits",
            "/api/merchant/split-orders/splits/V1",
        ),
        (
            "platform.order-lookups.query",
            "GET",
            "/v1/platform/order-lookups",
            "/api/platform/order-lookups/query/V1",
        ),
    ],
)
def test_wires_name_an_operation_by_rule(
    operation: str, method: str, path: str, wire_path: str
) -> None:
    found = catalog.load().operations[operation]

    assert (found.method, found.path, found.icbc_path) == (method, path, wire_path)


def test_texts_exist_in_both_languages() -> None:
    catalogue = catalog.load()
    for each in (*catalogue.products.values(), *catalogue.clouds.values()):
        assert each.name.zh
        assert each.name.en
    for solution in catalogue.solutions.values():
        assert solution.description.zh
        assert solution.description.en
        assert solution.description.en.isascii()


def test_a_product_without_money_has_no_limits_and_the_others_do() -> None:
    catalogue = catalog.load()
    for product in catalogue.products.values():
        posts = any(
            operation.posts
            for step in product.steps
            # The price of an account is no payment that somebody asks for.
            if step.use != "account.charge"
            and (operation := catalogue.primitive(step.use)) is not None
        )
        assert posts <= (product.limits is not None), product.id


@pytest.mark.parametrize(
    ("operation", "moves_money"),
    [
        ("payment.internal-transfers.create", True),
        ("payment.internal-transfers.cancellations", True),
        ("merchant.collection-codes.create", True),
        ("merchant.collection-codes.closures", False),
        ("merchant.preauthorizations.captures", True),
        ("merchant.preauthorizations.closures", True),
        ("merchant.merchant-refunds.create", True),
        ("payment.bulk-transfers.retries", True),
        ("account.account-statements.create", False),
        ("account.account-balances.exports", False),
        ("platform.payer-confirmations.create", True),
        ("platform.echoes.create", False),
    ],
)
def test_what_can_post_is_known_before_it_runs(operation: str, moves_money: bool) -> None:
    assert catalog.load().operations[operation].moves_money is moves_money


# Negative controls: each of these must be refused, by file and entry.


def test_a_settlement_before_anything_was_paid_is_refused() -> None:
    def settle_first(files: Documents) -> None:
        entry(files, "merchant.scan-payments")["steps"][0]["use"] = "collect.settle"

    faults = faults_after(settle_first)

    where = "products/03-merchant.yaml: merchant.scan-payments: "
    assert where + "steps differ from archetype collect" in faults
    assert where + "collect.settle needs paid" in faults


def test_a_data_class_nobody_defined_is_refused() -> None:
    def class_nine(files: Documents) -> None:
        entry(files, "account.account-balances")["data_class"] = "C9"

    (fault,) = faults_after(class_nine)

    assert fault.startswith("products/01-account.yaml: account.account-balances: data_class")


def test_a_duplicate_route_is_refused_with_both_owners() -> None:
    def same_route(files: Documents) -> None:
        operations = entry(files, "loan.mortgages")["operations"]
        operations[0]["path"] = "/v1/farm-loan-applications"

    faults = faults_after(same_route)

    assert any("POST /v1/farm-loan-applications" in fault for fault in faults)
    assert any("loan.farm-loans" in fault and "loan.mortgages" in fault for fault in faults)


def test_a_cloud_bound_to_a_missing_product_is_refused() -> None:
    def missing(files: Documents) -> None:
        files["ecosystem-clouds"]["clouds"][0]["products"][0] = "payment.school-fees"

    (fault,) = faults_after(missing)

    assert fault == (
        "ecosystem-clouds.yaml: education-cloud: product payment.school-fees does not exist"
    )


def test_a_pension_paid_before_it_was_contributed_is_refused() -> None:
    def pay_first(files: Documents) -> None:
        steps = entry(files, "pension.pension-payouts")["steps"]
        uses = [step["use"] for step in steps]
        first, last = uses.index("pension.contribute"), uses.index("pension.payout")
        steps[first]["use"], steps[last]["use"] = steps[last]["use"], steps[first]["use"]

    faults = faults_after(pay_first)

    assert any("pension.payout" in fault and "needs pension" in fault for fault in faults)


def _drop_run(files: Documents) -> None:
    del entry(files, "merchant.merchants")["operations"][0]["runs"]


def _unknown_run(files: Documents) -> None:
    entry(files, "merchant.merchants")["operations"][0]["runs"] = "verify.aura"


def _no_route_to_draw(files: Documents) -> None:
    operations = entry(files, "loan.personal-loans")["operations"]
    next(o for o in operations if o.get("runs") == "loan.draw")["runs"] = "order.retry"


def _unknown_role(files: Documents) -> None:
    entry(files, "payment.internal-transfers")["steps"][1]["with"]["debit"] = "somebody"


def _stop_after_interest(files: Documents) -> None:
    product = next(
        p
        for name, document in files.items()
        if name.startswith("products/")
        for p in document["products"]
        if p["archetype"] == "cash_pool"
    )
    product["steps"][-1]["on_failure"] = "stop"


def _money_without_limits(files: Documents) -> None:
    entry(files, "payment.internal-transfers")["limits"] = None


def _extra_product(files: Documents) -> None:
    files["categories"]["categories"][0]["product_count"] = 14


def _circle(files: Documents) -> None:
    files["solutions"]["solutions"][0]["steps"][0]["after"] = ["split"]


def _twice(files: Documents) -> None:
    document = files["products/01-account"]
    document["products"].append(document["products"][0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_drop_run, "writes, yet runs nothing"),
        (_unknown_run, "runs verify.aura, which does not exist"),
        (_no_route_to_draw, "step loan.draw waits for a request"),
        (_unknown_role, "debit is somebody"),
        (_stop_after_interest, "which has no reverse"),
        (_money_without_limits, "moves money without limits"),
        (_extra_product, "13 products, 14 expected"),
        (_circle, "steps accounts and split wait for each other"),
        (_twice, "this id stands twice"),
    ],
)
def test_each_broken_link_is_named(change: Callable[[Documents], None], words: str) -> None:
    assert any(words in fault for fault in faults_after(change))
