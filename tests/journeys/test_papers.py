"""Papers on the running platform: signed calls through the edge, a worker that does its part."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.journeys.test_first_journey import call, own
from tests.platform import Platform

pytestmark = pytest.mark.xdist_group("journeys")

# A worker looks every five seconds; a busy machine gets ten times that.
PATIENCE_SECONDS = 60.0


def post(platform: Platform, path: str, body: dict[str, Any]) -> dict[str, Any]:
    code, answer, said = call(platform, "POST", path, "--json", json.dumps(body))
    assert code == 0, (answer, said)
    return answer


def until(platform: Platform, path: str, seen: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        _, answer, _ = call(platform, "GET", path)
        if seen(answer) or time.monotonic() > deadline:
            return answer
        time.sleep(1)


def cny(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


def test_a_mandate_is_debited_and_revoked_over_the_edge(platform: Platform) -> None:
    payer, payee = (each["accounts"][0]["id"] for each in own(platform, "customers")[:2])
    terms = {"payer_account": payer, "payee_account": payee, "limit": cny("5.00")}
    mandate = post(platform, "/v1/direct-debit-mandates", terms)["id"]

    debit = post(platform, "/v1/direct-debits", {"mandate": mandate, "amount": cny("5.00")})
    code, above, _ = call(
        platform,
        "POST",
        "/v1/direct-debits",
        "--json",
        json.dumps({"mandate": mandate, "amount": cny("5.01")}),
    )
    call(platform, "DELETE", f"/v1/direct-debit-mandates/{mandate}")
    _, shown, _ = call(platform, "GET", f"/v1/direct-debit-mandates/{mandate}")

    assert (debit["status"], debit["parent"]) == ("completed", mandate)
    assert (code, above["code"]) == (1, "mandate.limit_exceeded")
    assert (shown["status"], shown["result"]["mandate"]["collected"]) == ("revoked", cny("5.00"))


def test_wages_and_a_planned_message_are_carried_out_by_the_worker(platform: Platform) -> None:
    employer, worker = own(platform, "customers")[:2]
    batch = {
        "payer_account": employer["accounts"][0]["id"],
        "lines": [
            {"line_no": 1, "payee_account": worker["accounts"][0]["id"], "amount": cny("3.00")}
        ],
        "total": cny("3.00"),
        "count": 1,
        "period": "2026-02",
    }
    order = post(platform, "/v1/salary-payments", batch)["id"]
    words = {
        "audience": [{"party": worker["id"]}],
        "template": "notice",
        "variables": {"text": "工资已发"},
    }
    planned = post(platform, "/v1/greetings", words)["id"]

    paid = until(platform, f"/v1/salary-payments/{order}", lambda each: each["state"] != "waiting")
    sent = until(platform, f"/v1/greetings/{planned}", lambda each: each["state"] != "waiting")

    assert (paid["status"], paid["paid_count"]) == ("completed", 1)
    assert sent["result"]["notify"]["receipts"][0]["simulated"] is True
