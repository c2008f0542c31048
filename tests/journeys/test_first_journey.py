"""A stranger's first quarter of an hour: call, pay, refund, close the day, prove the books."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.platform import Platform

pytestmark = pytest.mark.xdist_group("journeys")


def call(platform: Platform, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the printed answer and what was said beside it."""
    done = platform.bankside("call", *arguments)
    assert done.stdout, done.stderr.decode()
    return done.returncode, json.loads(done.stdout), done.stderr.decode()


def own(platform: Platform, kind: str) -> list[dict[str, Any]]:
    """Facts of the first app's own data space."""
    demo = platform.demo
    partner = demo["apps"][0]["partner"]
    return [each for each in demo[kind] if each.get("partner", partner) == partner]


def balance(platform: Platform, account: str) -> str:
    _, answer, _ = call(platform, "GET", f"/v1/account-balances/{account}")
    return str(answer["booked"]["amount"])


def transfer(
    platform: Platform, amount: str, *, key: str = "", verbose: bool = False
) -> tuple[int, dict[str, Any], str]:
    payer, payee = (each["accounts"][0]["id"] for each in own(platform, "customers")[:2])
    body = {
        "payer_account": payer,
        "payee_account": payee,
        "amount": {"amount": amount, "currency": "CNY"},
        "remark": "书费 & 餐费 = 1+1",
    }
    options = [*(["--key", key] if key else []), *(["-v"] if verbose else [])]
    return call(platform, "POST", "/v1/internal-transfers", "--json", json.dumps(body), *options)


def test_the_first_call_of_the_start_page_gets_a_signed_answer(platform: Platform) -> None:
    account = own(platform, "customers")[0]["accounts"][0]["id"]

    code, answer, said = call(platform, "GET", f"/v1/account-balances/{account}")

    assert code == 0
    assert answer["id"] == account
    assert "signed by the bank" in said


@pytest.mark.parametrize(
    "alg", ["hmac-sha256", "ecdsa-p256-sha256", "ed25519", "rsa-v1_5-sha256", "rsa-pss-sha512"]
)
def test_every_native_algorithm_is_answered(platform: Platform, alg: str) -> None:
    code, answer, said = call(
        platform, "POST", "/v1/platform/echoes", "--alg", alg, "--json", '{"say":"测试"}'
    )

    assert (code, answer) == (0, {"say": "测试"})
    assert "signed by the bank" in said


def test_a_verbose_call_shows_the_string_it_signs_and_the_text_it_sends(
    platform: Platform,
) -> None:
    _, _, said = call(platform, "POST", "/v1/platform/echoes", "--json", '{"say":"你好"}', "-v")

    assert '"@method": POST\n"@path": /v1/platform/echoes\n"@query": ?\n' in said
    assert '"@signature-params": ("@method" "@path" "@query" "content-digest"' in said
    assert '{"say":"你好"}' in said


def test_a_call_finds_the_running_demo_without_any_setting_but_its_home(
    platform: Platform,
) -> None:
    plain = {k: v for k, v in platform.environment.items() if not k.startswith("BANKSIDE_")}

    done = subprocess.run(
        [sys.executable, "-m", "bankside", "call", "POST", "/v1/platform/echoes", "--json", "{}"],
        env=plain | {"BANKSIDE_HOME": str(platform.home)},
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [(("--key", "a\r\nx: y"), "--key takes"), (("--key", "键"), "--key takes")],
)
def test_a_call_that_cannot_be_sent_is_told_in_one_line(
    platform: Platform, options: tuple[str, ...], told: str
) -> None:
    done = platform.bankside("call", "POST", "/v1/platform/echoes", "--json", "{}", *options)

    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"bankside: {told}")


def test_a_terminal_that_cannot_show_chinese_gets_the_rest(platform: Platform) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bankside", "staff", "list"],
        env=platform.environment | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, b"auditor" in done.stdout) == (0, True), done.stderr


def test_a_transfer_moves_money_once_however_often_it_is_repeated(platform: Platform) -> None:
    payer = own(platform, "customers")[0]["accounts"][0]["id"]
    before = balance(platform, payer)

    _, first, _ = transfer(platform, "12.34", key="journey-1")
    _, again, _ = transfer(platform, "12.34", key="journey-1")
    code, other, _ = transfer(platform, "99.99", key="journey-1")

    assert first == again
    assert (code, other["code"]) == (1, "idempotency.key_reused")
    assert round(float(before) - float(balance(platform, payer)), 2) == 12.34


def test_three_decimals_are_refused_with_the_field_that_has_them(platform: Platform) -> None:
    code, answer, _ = transfer(platform, "12.345")

    assert code == 1
    assert answer["status"] == 422
    assert answer["errors"][0]["pointer"] == "/amount"


def test_what_no_contract_holds_says_so(platform: Platform) -> None:
    cloud = "/v1/clouds/education-cloud/tenants/one/schools"

    _, answer, _ = call(platform, "POST", cloud, "--json", '{"amount":"1"}')

    assert (answer["status"], answer["code"]) == (403, "subscription.missing")


def test_sale_refund_and_day_end_leave_books_that_verify(platform: Platform) -> None:
    merchant = own(platform, "merchants")[0]
    token = own(platform, "payer_tokens")[0]["code"]
    # What other journeys sold for the same merchant is settled before, not with this sale. After
    # the cut-off at 23:00 the business date in progress is the next one, for sale and close alike.
    platform.bankside("day", "close")
    settled_before = balance(platform, merchant["account"])
    sale = {
        "merchant": merchant["id"],
        "order_no": "JOURNEY-1",
        "amount": {"amount": "100.00", "currency": "CNY"},
        "payer_token": token,
    }
    refund = {
        "order_no": "JOURNEY-1",
        "refund_no": "R1",
        "amount": {"amount": "30.00", "currency": "CNY"},
    }

    _, paid, _ = call(platform, "POST", "/v1/scan-payments", "--json", json.dumps(sale))
    _, back, _ = call(platform, "POST", "/v1/merchant-refunds", "--json", json.dumps(refund))
    closed = platform.bankside("day", "close", "--json")
    verified = platform.bankside("ledger", "verify", "--json")

    assert paid["status"] == "paid"
    assert back["order_refunded"]["amount"] == "30.00"
    assert closed.returncode == 0, closed.stderr
    # 70.00 less the fee of 38 basis points, 0.27 (half-even), reaches the merchant.
    gained = float(balance(platform, merchant["account"])) - float(settled_before)
    assert round(gained, 2) == 69.73
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["fault"] is None


def test_a_failing_signature_is_explained(platform: Platform, tmp_path: Path) -> None:
    request = tmp_path / "request"
    call(platform, "POST", "/v1/platform/echoes", "--json", '{"say":"1"}', "--save", str(request))
    request.write_bytes(request.read_bytes().replace(b'{"say":"1"}', b'{"say":"2"}'))

    report = platform.bankside("doctor", "signature", str(request), "--json")

    assert report.returncode == 1
    causes = json.loads(report.stdout)["causes"]
    assert (causes[0]["code"], causes[0]["confirmed"]) == ("body.altered", True)


def test_probes_pages_and_metrics_answer(platform: Platform) -> None:
    for url in (platform.edge, platform.web):
        for path in ("/healthz", "/readyz"):
            assert platform.get(url + path)[0] == 200
        status, text = platform.get(f"{url}/metrics")
        assert status == 200
        assert b"bankside_calls" in text
    status, page = platform.get(f"{platform.web}/?lang=zh")
    assert status == 200
    assert "第一次签名调用".encode() in page


@pytest.mark.parametrize("odd", ["x", "%00", "%ff", "%ed%a0%80", "%0d%0ax:y", "a" * 3000, "<b>"])
def test_an_address_that_names_nothing_is_refused_and_never_a_fault(
    platform: Platform, odd: str
) -> None:
    for path in (
        *("/products/{}", "/solutions/{}", "/shelf/{}", "/shelf?q={}", "/openapi/products/{}.json"),
        *("/pay/{}", "/pay/{}/code", "/pay/{}/code.svg", "/my/consents/{}/revoke", "/?lang={}"),
        *("/my/approvals/{}", "/staff/products/{}", "/staff/enrol/{}", "/oauth/interactions/{}"),
        *("/oauth/authorize?client_id={0}&request_uri={0}", "/oauth/grants/{}", "/static/{}"),
    ):
        status, _ = platform.get(platform.web + path.format(odd))

        assert status < 500, path
    assert platform.get(f"{platform.web}/openapi/products/{odd}.json")[0] == 404


def test_every_answered_call_lands_in_the_call_records(platform: Platform) -> None:
    _, _, said = call(platform, "POST", "/v1/platform/echoes", "--json", "{}")
    request_id = said.rsplit("request id ", 1)[1].split()[0]

    record = platform.call_record(request_id)

    assert record.operation == "platform.echoes.create"
    assert record.outcome == "ok"


def test_a_second_start_on_the_same_home_is_refused_with_the_reason(platform: Platform) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "bankside", "serve"],
        env=platform.environment,
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert second.returncode == 4
    assert b"already runs" in second.stderr
    assert b"BANKSIDE_HOME" in second.stderr
    assert b"Traceback" not in second.stderr


def test_a_taken_port_is_refused_with_the_setting_to_change(
    platform: Platform, tmp_path: Path
) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "bankside", "serve"],
        env=platform.environment | {"BANKSIDE_HOME": str(tmp_path / "home")},
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert second.returncode == 4
    assert b"BANKSIDE_EDGE_LISTEN" in second.stderr


def test_a_killed_edge_worker_comes_back(platform: Platform) -> None:
    os.kill(platform.pids("edge")[0], signal.SIGKILL)

    for _ in range(20):
        code, _, _ = call(platform, "POST", "/v1/platform/echoes", "--json", "{}")
        assert code == 0


def test_a_refusal_of_the_ledger_is_replayed_and_says_that_it_is(platform: Platform) -> None:
    code, first, _ = transfer(platform, "400000.00", key="journey-refused")
    _, again, said = transfer(platform, "400000.00", key="journey-refused", verbose=True)

    assert (code, first["code"]) == (1, "payment.funds_insufficient")
    assert again["code"] == first["code"]
    assert "idempotency-hit: true" in said
