"""A run that issued every kind of secret, used rightly and wrongly, has left none of them behind.

Guide: security.md sections 3 (only hashes are stored) and 8 (no secret in a log); JR/T 0171-2020
class C3. The control tests prove that the search would have found one.
"""

import asyncio
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import httpx
import pytest
from tests.clients.customer import Customer
from tests.clients.forms import forms_of
from tests.clients.handmade import HandMade
from tests.clients.oauth import ACCOUNTS, Library, payment, registered
from tests.clients.secrets_issued import Secrets, places_of, tables_as_text
from tests.platform import Platform

from bankside.kernel.postgres import database

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.sdk, pytest.mark.timeout(600)]

KINDS = 13
TYPED_WRONGLY = "correct-horse-battery-staple"


@pytest.fixture(scope="module")
def secrets(
    platform: Platform, library: Library, tmp_path_factory: pytest.TempPathFactory
) -> Secrets:
    """All secrets of the run, after everything was done with them that client or thief may do."""
    facts = next(each for each in platform.demo["customers"] if each["login"] == "wang.sitong")
    customer = Customer(platform.web, facts)
    client = HandMade(library, platform.web, platform.demo["oauth_clients"][0])
    _honest(client, customer, platform)
    _clumsy(client, customer)
    _stolen(client, platform)
    for alg in ("hmac-sha256", "ed25519", "rsa-pss-sha512"):
        done = platform.bankside(
            "call", "POST", "/v1/platform/echoes", "--alg", alg, "--json", "{}"
        )
        assert done.returncode == 0, done.stderr
    made = Secrets()
    made.of_installation(platform.home, platform.demo)
    made.of_client(client)
    made.of_client(_elsewhere(platform, library, facts, tmp_path_factory.mktemp("client")))
    made.of_browser(customer)
    made.add("password typed wrongly", TYPED_WRONGLY)
    made.add("enrolment link", _invited(platform))
    customer.close()
    return made


def _honest(client: HandMade, customer: Customer, platform: Platform) -> None:
    """Two consents, a refresh, a look at the customer's own pages."""
    for details, scope in (
        (ACCOUNTS, "openid offline_access accounts"),
        (payment("1.00"), "payments"),
    ):
        link, verifier = client.link(details, scope=scope)
        tokens = client.tokens(customer.approve(link), verifier)
        client.introspected(tokens["access_token"])
        url = f"{platform.edge}/open-banking/v3.1/aisp/accounts"
        httpx.get(url, headers=client.bearing(tokens["access_token"], "GET", url))
    customer.open("/my/consents")
    customer.open("/my/security")


def _elsewhere(
    platform: Platform, library: Library, customer: Mapping[str, str], folder: Path
) -> HandMade:
    """A client that has asked a customer who is not at its browser."""
    scopes, options = ("openid", "accounts"), ("--backchannel",)
    facts = registered(platform, folder, "https://x.example/", *scopes, options=options)
    client = HandMade(library, platform.web, facts)
    client.ask_nonce()
    asked = client.form(scope="openid accounts", login_hint=customer["login"])
    answer = client.post("/oauth/backchannel-authentication", asked, proof="")
    client.issued.append(answer.json()["auth_req_id"])
    return client


def _invited(platform: Platform) -> str:
    """The secret of a link with which a new person of the bank sets its password; opened once."""
    told = ("--login", "invited", "--role", "auditor", "--json")
    done = platform.bankside("staff", "create", *told)
    assert done.returncode == 0, done.stderr
    link = str(json.loads(done.stdout)["link"])
    assert httpx.get(link).is_success
    return link.rpartition("/")[2]


def _clumsy(client: HandMade, customer: Customer) -> None:
    """A client and a customer who make mistakes with what is theirs."""
    link, verifier = client.link(ACCOUNTS)
    back = customer.approve(link)
    form = client.code_form(back, verifier)
    wrong = form | {"code_verifier": "x" * 43}
    assert client.post("/oauth/token", client.form(**wrong)).status_code == 400
    tokens = client.tokens(back, verifier)
    assert client.post("/oauth/token", client.form(**form)).status_code == 400
    used = client.form(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    for _ in range(2):
        assert client.post("/oauth/token", used).status_code in {400, 401}
    late = client.form(token="x", client_assertion=client.assertion(exp=1))
    assert client.post("/oauth/introspect", late).status_code == 401
    signed = client.proof("POST", f"{client.web}/oauth/elsewhere")
    asked = client.form(grant_type="client_credentials")
    assert client.post("/oauth/token", asked, proof=signed).status_code == 400
    stranger = Customer(customer.web, {**customer.facts, "password": TYPED_WRONGLY})
    page = stranger.browser.get(f"{customer.web}/my/login")
    form_there = next(each for each in forms_of(page.text) if "password" in each.fields)
    told = stranger.submit(page, form_there, login=customer.facts["login"], password=TYPED_WRONGLY)
    assert told.status_code in {401, 403, 422}
    # A password in an address is the customer's own mistake; that is no reason to write it down.
    assert stranger.browser.get(str(page.url), params={"password": TYPED_WRONGLY}).is_success
    stranger.close()


def _stolen(client: HandMade, platform: Platform) -> None:
    """A live token and an assertion at every place where they have no business."""
    link_token = client.post(
        "/oauth/token", client.form(grant_type="client_credentials", scope="accounts")
    ).json()["access_token"]
    client.issued.append(link_token)
    for base in (platform.web, platform.edge):
        for path in ("/oauth/userinfo", f"/v1/{link_token}", "/v1/account-balances/x"):
            for scheme in ("Bearer", "DPoP"):
                answer = httpx.get(
                    base + path,
                    params={"access_token": link_token},
                    headers={"authorization": f"{scheme} {link_token}", "dpop": client.issued[-2]},
                )
                assert 400 <= answer.status_code < 500
                assert link_token not in answer.text


@pytest.fixture(scope="module")
def rows(platform: Platform, secrets: Secrets, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every row of every table, as a file."""
    file = tmp_path_factory.mktemp("rows") / "rows"
    assert _dumped(platform.home, file) > 100
    return file


def _dumped(home: Path, file: Path, *statements: str) -> int:
    """Write all rows, as they would be after these statements; nothing of them stays."""

    async def dump() -> int:
        with database(home) as url:
            db = await asyncpg.connect(url)
            change = db.transaction()
            await change.start()
            for statement in statements:
                await db.execute(statement)
            count = await tables_as_text(db, file)
            await change.rollback()
            await db.close()
        return count

    return asyncio.run(dump())


def test_no_log_file_segment_or_data_file_holds_a_secret(
    platform: Platform, secrets: Secrets, tmp_path: Path
) -> None:
    assert len(secrets.kinds) == KINDS

    assert secrets.found_in(places_of(platform.home), tmp_path / "patterns") == []


def test_no_column_of_any_table_holds_a_secret(
    secrets: Secrets, rows: Path, tmp_path: Path
) -> None:
    assert secrets.found_in([rows], tmp_path / "patterns") == []


def test_the_search_finds_a_secret_of_each_kind_in_a_log(
    platform: Platform, secrets: Secrets, tmp_path: Path
) -> None:
    log = tmp_path / "web-0.log"
    shutil.copy(platform.home / "logs" / "web-0.log", log)
    with log.open("a") as file:
        file.writelines(f'{{"event":"planted","value":"{each}"}}\n' for each in secrets.known)

    found = secrets.found_in([tmp_path / "web-0.log"], tmp_path / "patterns")

    assert found == sorted({f"{kind} in {log}" for kind in secrets.known.values()})


def test_the_search_finds_a_secret_in_a_text_column_and_in_a_binary_one(
    platform: Platform, secrets: Secrets, tmp_path: Path
) -> None:
    text, binary = list(secrets.known)[:2]
    planted = (
        "insert into kernel.heartbeats (process, instance, address, version, started_at, seen_at,"
        f" detail) values ('planted', '{text}', '', '', now(), now(), '{{}}')",
        "insert into identity.decision_answers (partner_id, interaction_id, browser_hash,"
        " sealed_address, answered_at)"
        f" values ('p', 'i', '', convert_to('{binary}', 'UTF8'), now())",
    )

    _dumped(platform.home, tmp_path / "rows", *planted)
    found = secrets.found_in([tmp_path / "rows"], tmp_path / "patterns")

    assert found == sorted(
        f"{secrets.known[each]} in {tmp_path / 'rows'}" for each in (text, binary)
    )
