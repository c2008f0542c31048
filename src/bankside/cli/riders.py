"""`bankside demo riders`: a day of a delivery rider, told in signed calls to the running edge.

Pay, split, instant income, pension share, cover, advance and its repayment: each step is a call
that a platform would make, and its figures are what the bank answered. Nothing is simulated here;
what the sandbox simulates says so in its answers.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from unicodedata import east_asian_width

import msgspec

from bankside.cli.call import Wish, send, signed
from bankside.cli.demo_app import DemoApp, read_demo
from bankside.cli.installation import Installation
from bankside.cli.output import DONE, REFUSED, emit, fail
from bankside.kernel.clock import booking_date
from bankside.kernel.signing.rfc9421 import AnswerUntrusted, verify_answer

CURRENCY = "CNY"
COVER_DAYS = 30
WIDTH = 58
# Bulk lines are a worker's work: it is woken at once and looks every few seconds besides.
INCOME_LOOKS_MAX = 120
INCOME_LOOK_SECONDS = 0.25
# Half of the rider's further income goes to the advance.
SHARE_BP = 5_000


@dataclass(slots=True)
class Day:
    """What the story knows so far: who takes part, and the ids the bank gave."""

    installation: Installation
    app: DemoApp
    merchant: str
    merchant_name: str
    platform: str
    shop: str
    rider: Mapping[str, Any]
    diner_code: str
    number: str
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The bank's date."""
        return booking_date(self.installation.clock)

    @property
    def account(self) -> str:
        """The rider's current account."""
        return str(self.rider["accounts"][0]["id"])

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The bank's proven answer; a refusal, or an answer not proven, ends the story in words."""
        text = "" if body is None else msgspec.json.encode(body).decode()
        request = signed(self.installation.clock, self.app, Wish(method, path, text))
        answer = send(self.app.edge, request)
        try:
            verify_answer(answer, request, self.app.answer_verifier)
        except AnswerUntrusted as error:
            fail(f"{method} {path}: the answer is not proven to be the bank's ({error})", REFUSED)
        told: dict[str, Any] = msgspec.json.decode(answer.body)
        if answer.status >= 400:
            fail(f"{method} {path}: {told['detail']} [{told['code']}]", REFUSED)
        return told


@dataclass(frozen=True, slots=True)
class Step:
    """One act: its words in both languages, and the call; the call returns the figure to show."""

    en: str
    zh: str
    act: Callable[[Day], str]


def run(installation: Installation, *, language: str, as_json: bool) -> int:
    """Tell the day; the exit code."""
    day = _morning(installation)
    before = _balance(day)
    told = []
    for number, step in enumerate(STEPS, start=1):
        figure = step.act(day)
        told.append({"step": number, "en": step.en, "zh": step.zh, "figure": figure})
        if not as_json:
            words = step.zh if language == "zh" else step.en
            print(f"{number}. {words}{' ' * (WIDTH - _columns(words))} {figure}", flush=True)
    after = _balance(day)
    ending = {"rider": day.rider["name"], "before": before, "after": after, "steps": told}
    emit(ending, as_json=as_json, text=lambda: _ending(day, before, after, language))
    return DONE


def _morning(installation: Installation) -> Day:
    demo = read_demo(installation.home)
    app = DemoApp.of(installation.home)
    merchant = demo["merchants"][0]
    related = {each["relation"]: each["account"] for each in merchant["receivers"]}
    riders = [
        each
        for each in demo["customers"]
        if any(account["id"] == related["rider"] for account in each["accounts"])
    ]
    codes = {each["customer"]: each["code"] for each in demo["payer_tokens"]}
    diner = next(each for each in demo["customers"] if each["id"] in codes and each not in riders)
    return Day(
        installation,
        app,
        merchant["id"],
        merchant["name"],
        merchant["account"],
        related["shop"],
        riders[0],
        codes[diner["id"]],
        f"day-{secrets.token_hex(4)}",
    )


def _columns(text: str) -> int:
    """How wide a terminal shows the text: Chinese characters take two columns."""
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)


def _money(text: str) -> dict[str, str]:
    return {"amount": text, "currency": CURRENCY}


def _balance(day: Day) -> str:
    found = day.ask("GET", f"/v1/account-balances/{day.account}")
    return str(found["booked"]["amount"])


def _paid(day: Day) -> str:
    order = day.ask(
        "POST",
        "/v1/split-orders",
        {
            "merchant": day.merchant,
            "order_no": day.number,
            "amount": _money("68.00"),
            "payer_token": day.diner_code,
            "subject": "晚餐 dinner",
            "receivers": [{"account": day.shop}, {"account": day.account}],
        },
    )
    day.facts["order"] = order["id"]
    return f"{order['paid']['amount']} {order['status']}"


def _split(day: Day) -> str:
    order = day.ask(
        "POST",
        f"/v1/split-orders/{day.facts['order']}/splits",
        {
            "split_no": "1",
            "receivers": [
                {"account": day.shop, "amount": _money("52.00")},
                {"account": day.account, "amount": _money("9.50")},
            ],
            "finish": True,
        },
    )
    return f"{order['split']['amount']} = 52.00 + 9.50"


def _income(day: Day) -> str:
    line = _paid_for_work(day, "120.00")
    return f"{line['amount']['amount']} - {line['withheld']['amount']}"


def _paid_for_work(day: Day, amount: str) -> dict[str, Any]:
    """The rider's line of a settlement of the platform's, paid."""
    batch = day.ask(
        "POST",
        "/v1/gig-settlements",
        {
            "payer_account": day.platform,
            "lines": [{"line_no": 1, "payee_account": day.account, "amount": _money(amount)}],
            "total": _money(amount),
            "count": 1,
            "platform": day.merchant_name,
            "period": day.today.strftime("%Y-%m"),
        },
    )
    return _settled(day, f"/v1/gig-settlements/{batch['id']}/lines")


def _settled(day: Day, path: str) -> dict[str, Any]:
    """The rider's line once the worker has paid it."""
    for _ in range(INCOME_LOOKS_MAX):
        line: dict[str, Any] = day.ask("GET", path)["items"][0]
        if line["state"] == "confirmed":
            return line
        time.sleep(INCOME_LOOK_SECONDS)
    return fail("the worker has not paid the rider yet; look at the worker's log", REFUSED)


def _pension_account(day: Day) -> str:
    # A person has one: whoever tells the story again goes on with the account of the first time.
    mine = [
        each
        for each in day.ask("GET", "/v1/pension-accounts?limit=200")["items"]
        if each["result"]["account"]["holder"] == day.rider["id"]
        and each["result"]["account"]["status"] == "open"
    ]
    opened = mine[0] if mine else _opened_pension_account(day)
    day.facts["pension"] = opened["result"]["account"]["id"]
    return f"{opened['result']['account']['number']} {opened['status']}"


def _opened_pension_account(day: Day) -> dict[str, Any]:
    opened: dict[str, Any] = day.ask(
        "POST",
        "/v1/pension-accounts",
        {
            "holder": day.rider["id"],
            "document_no": day.rider["document_no"],
            "mobile": "13800000000",
        },
    )
    return opened


def _contributed(day: Day) -> str:
    order = day.ask(
        "POST",
        "/v1/pension-contributions",
        {
            "account": day.account,
            "pension_account": day.facts["pension"],
            "amount": _money("6.00"),
        },
    )
    return f"{order['paid']['amount']} {order['status']}"


def _covered(day: Day) -> str:
    until = day.today + timedelta(days=COVER_DAYS - 1)
    order = day.ask(
        "POST",
        "/v1/rider-covers",
        {
            "insured": day.rider["id"],
            "merchant": day.merchant,
            "account": day.account,
            "product_code": "RIDER-1",
            "cover": _money("10000.00"),
            "from_on": day.today.isoformat(),
            "to_on": until.isoformat(),
            "amount": _money("9.86"),
            "platform": day.merchant_name,
            "rider_no": "R-7",
        },
    )
    return f"{order['paid']['amount']} {order['status']}, until {until.isoformat()}"


def _advanced(day: Day) -> str:
    loan = day.ask(
        "POST",
        "/v1/wage-advance-applications",
        {
            "borrower": day.rider["id"],
            "account": day.account,
            "amount": _money("100.00"),
            "employer": day.merchant_name,
            "days_worked": 20,
            "income_share_bp": SHARE_BP,
        },
    )
    day.facts["loan"] = loan["id"]
    granted = loan["result"]["loan"]
    drawn = day.ask("POST", f"/v1/wage-advances/{loan['id']}/drawdowns", {"drawdown_no": "1"})
    source = granted["decision"]["source"]
    owed = drawn["result"]["loan"]["outstanding"]["amount"]
    return f"{owed} / {granted['limit']['amount']} ({source})"


def _repaid(day: Day) -> str:
    """The rider earns on; half of what comes in goes to the advance, and nobody has to ask."""
    _paid_for_work(day, "200.00")
    for _ in range(INCOME_LOOKS_MAX):
        loan = day.ask("GET", f"/v1/wage-advances/{day.facts['loan']}")
        if loan["status"] == "repaid":
            taken = loan["result"]["income"]["taken"]["amount"]
            return f"{taken} of 200.00, {loan['result']['loan']['outstanding']['amount']} left"
        time.sleep(INCOME_LOOK_SECONDS)
    return fail("the worker has not taken the share yet; look at the worker's log", REFUSED)


STEPS = (
    Step("A diner pays for dinner", "食客支付晚餐", _paid),
    Step(
        "The payment is split: shop, rider, the rest platform",
        "分账：商家、骑手，余款归平台",
        _split,
    ),
    Step(
        "The platform settles the rider's week at once, less tax",
        "平台即时结算骑手本周收入，扣税",
        _income,
    ),
    Step("The rider opens a personal pension account", "骑手开立个人养老金账户", _pension_account),
    Step("A share of the income goes to the pension", "部分收入缴存养老金", _contributed),
    Step("The rider buys accident cover for 30 days", "骑手投保 30 天意外险", _covered),
    Step("An advance on wages is granted and drawn", "工资预支获批并提款", _advanced),
    Step(
        "Half of further income repays the advance by itself", "后续收入的一半自动归还预支", _repaid
    ),
)


def _ending(day: Day, before: str, after: str, language: str) -> str:
    name = day.rider["name"] if language == "zh" else day.rider["name_en"]
    moved = Decimal(after) - Decimal(before)
    if language == "zh":
        return (
            f"{name} 的账户：{before} → {after}（{moved:+} 元）。核对账簿：bankside ledger verify"
        )
    return f"{name}: {before} before, {after} after ({moved:+} CNY). Prove: bankside ledger verify"
