"""Bad input of every kind, over the real edge, in every dialect a demo app speaks.

Each refusal is in the caller's own words, signed by the bank, carries the request id, and changed
nothing: no posting, no order, no key.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
from tests.journeys.bad_input import PROVEN, UNPROVEN, Expected
from tests.journeys.books import Books, opened
from tests.journeys.dialects import Dialect, Said, Wish
from tests.journeys.newcomer import Newcomer, Terms, arrives, blocked
from tests.journeys.parties import dialects
from tests.journeys.raw import Message, line, send
from tests.platform import Platform

pytestmark = pytest.mark.xdist_group("journeys")

# Of each dialect; six thousand were run by hand. More would cost the suite seconds for nothing new.
MUTATIONS = 200
REPEATS = 3
_REQUEST_ID = re.compile(r"[0-9a-f]{32}")


@pytest.fixture(scope="module")
def books(platform: Platform) -> Iterator[Books]:
    """The books of the platform under attack."""
    with opened(platform.home) as found:
        yield found


@pytest.fixture(scope="module")
def callers(platform: Platform) -> list[Dialect]:
    """Every dialect of every demo app."""
    return dialects(platform.demo)


@pytest.fixture(scope="module")
def newcomer(platform: Platform) -> Newcomer:
    """An app that subscribed to scan payments only."""
    return arrives(platform, Terms(products=["merchant.scan-payments"]))


def refused(platform: Platform, dialect: Dialect, message: Message) -> Said:
    """The proven refusal of a message; never a 500, always with the id of the request."""
    heard = send(platform.edge, message)
    said = dialect.read(heard, message)
    assert heard.status < 500 or heard.status == 501, said
    assert said.request_id == heard.headers["x-request-id"], said
    assert _REQUEST_ID.fullmatch(said.request_id), said
    return said


@pytest.mark.parametrize("kind", [*UNPROVEN, *PROVEN])
def test_bad_input_is_refused_in_every_dialects_own_words(
    kind: str, callers: list[Dialect], books: Books, platform: Platform
) -> None:
    wish, expected = (UNPROVEN | PROVEN)[kind]

    found = books.unchanged_by(
        lambda: [(each.name, refused(platform, each, each.message(wish)).code) for each in callers]
    )

    assert found == [(each.name, expected.of(each)) for each in callers]


def test_all_dialects_of_the_demo_are_attacked(callers: list[Dialect]) -> None:
    assert {each.name for each in callers} == {
        "native ecdsa-p256-sha256",
        "native hmac-sha256",
        "native ed25519",
        "native rsa-v1_5-sha256",
        "native rsa-pss-sha512",
        "icbc rsa-sha1",
        "icbc rsa-sha256",
        "icbc rsa-sha256 aes",
        "alipay rsa-sha256",
        "alipay rsa-sha256 aes",
        "alipay3 rsa-sha256",
        "alipay3 rsa-sha256 aes",
    }


def test_a_stranger_learns_only_what_the_dialect_itself_tells(
    callers: list[Dialect], platform: Platform
) -> None:
    said = {
        each.name: refused(platform, each, each.message(Wish(stranger=True))) for each in callers
    }

    form = {"icbc": "400016", "alipay": "40002 isv.invalid-app-id", "alipay3": "401 invalid-app-id"}
    for each in callers:
        if each.wire == "native":
            # The algorithm of a key that does not exist is a secret of ours, but it has one.
            assert said[each.name].code in {
                "401 signature.invalid",
                "401 signature.algorithm_mismatch",
            }
        else:
            assert said[each.name].code == form[each.wire]
    assert len({len(each.content["detail"]) for n, each in said.items() if "native" in n}) <= 2


def test_who_is_proven_is_answered_under_its_own_secret_and_nobody_else(
    callers: list[Dialect], platform: Platform
) -> None:
    shared = [each for each in callers if each.party.alg == "hmac-sha256"]

    proven = [refused(platform, each, each.message(Wish(operation="ask"))) for each in shared]
    unproven = [refused(platform, each, each.message(Wish(forged=True))) for each in shared]

    assert [each.signed_by for each in proven] == [each.party.key_id for each in shared]
    bank = platform.demo["bank_keys"]["native"]["key_id"]
    assert {each.signed_by for each in unproven} == {bank}


def test_a_product_that_was_not_subscribed_is_refused(
    newcomer: Newcomer, platform: Platform
) -> None:
    found = {
        each.wire: refused(platform, each, each.message(Wish(operation="hold"))).code
        for each in newcomer.dialects
    }

    assert found == {
        "native": "403 subscription.missing",
        "icbc": "400019",
        "alipay": "40006 isv.insufficient-isv-permissions",
        "alipay3": "403 insufficient-isv-permissions",
    }


def test_a_blocked_app_is_refused_on_every_wire_and_worker(
    newcomer: Newcomer, platform: Platform
) -> None:
    blocked(platform, newcomer)

    # New connections land on both workers.
    found = [
        (each.wire, refused(platform, each, each.message(Wish(operation="ask"))).code)
        for each in newcomer.dialects * 4
    ]

    assert dict(found) == {
        "native": "403 app.blocked",
        "icbc": "400019",
        "alipay": "40006 isv.app-blocked",
        "alipay3": "403 app-blocked",
    }
    assert len(set(found)) == 4


def test_an_app_without_a_key_on_the_wire_is_told_so(
    callers: list[Dialect], platform: Platform
) -> None:
    tills = next(each for each in callers if each.party.app_id.endswith(_tills(platform)))
    borrowed = [
        type(each)(replace(each.party, app_id=tills.party.app_id))
        for each in callers
        if each.wire != "native" and each.party.aes is None
    ]

    found = {each.name: refused(platform, each, each.message(Wish())).code for each in borrowed}

    assert found == {
        "icbc rsa-sha1": "400016",
        "icbc rsa-sha256": "400016",
        "alipay rsa-sha256": "40001 isv.missing-signature-key",
        "alipay3 rsa-sha256": "401 invalid-signature",
    }


def test_content_under_another_content_key_is_refused(
    callers: list[Dialect], books: Books, platform: Platform
) -> None:
    wrong = [
        (each, type(each)(replace(each.party, aes=bytes(16))))
        for each in callers
        if each.party.aes is not None
    ]

    found = books.unchanged_by(
        lambda: {own.name: refused(platform, own, bad.message(Wish())).code for own, bad in wrong}
    )

    assert found == {
        "icbc rsa-sha256 aes": "400011",
        "alipay rsa-sha256 aes": "40002 isv.decryption-error-unknown",
        "alipay3 rsa-sha256 aes": "400 decryption-error-unknown",
    }


def test_a_message_is_taken_once_where_the_dialect_numbers_messages(
    callers: list[Dialect], platform: Platform
) -> None:
    repeats = []
    for each in callers:
        message = each.message(Wish(operation="ask"))
        first, second = (refused(platform, each, message).code for _ in range(2))
        assert first == PROVEN["an order that is not there"][1].of(each)
        repeats.append((each.name, second))

    expected = Expected(
        native="401 signature.replayed",
        icbc="500020",
        # v2 has no number of a message: its money operations are safe by the partner's own.
        alipay="40004 ACQ.TRADE_NOT_EXIST",
        alipay3="401 repeated-nonce",
    )
    assert repeats == [(each.name, expected.of(each)) for each in callers]


def test_a_payment_sent_again_byte_for_byte_moves_money_once(
    callers: list[Dialect], books: Books, platform: Platform
) -> None:
    for each in callers:
        message = each.message(Wish())
        first = each.read(send(platform.edge, message), message)

        again = books.unchanged_by(partial(_sent, platform, each, message))

        assert first.content.get("id") or first.content.get("trade_no"), first
        assert len(again) == REPEATS, each.name


def _sent(platform: Platform, dialect: Dialect, message: Message) -> list[Said]:
    return [dialect.read(send(platform.edge, message), message) for _ in range(REPEATS)]


def test_a_number_reused_for_another_amount_is_refused(
    callers: list[Dialect], books: Books, platform: Platform
) -> None:
    expected = Expected(
        native="409 order.number_reused",
        icbc="600409",
        alipay="40004 ACQ.CONTEXT_INCONSISTENT",
        alipay3="400 CONTEXT_INCONSISTENT",
    )
    for each in callers:
        paid = each.business(Wish())
        message = each.message(Wish(fields=paid))
        each.read(send(platform.edge, message), message)
        other = Wish(fields=paid | {"amount": "2.00"})

        said = books.unchanged_by(lambda: refused(platform, each, each.message(other)))  # noqa: B023

        assert said.code == expected.of(each)


def test_no_refusal_is_longer_than_what_it_refuses(
    callers: list[Dialect], platform: Platform
) -> None:
    wishes = [
        Wish(fields={"amount": "9" * 300_000}),
        Wish(content=b'{"amount":{"amount":"1","currency":"' + b"C" * 300_000 + b'"}}'),
        Wish(fields={"order_no": "x" * 300_000}),
        Wish(fields={"x" * 300_000: "1"} | {"amount": "1.005"}),
        Wish(fields={"payer_token": "2" * 300_000}),
        Wish(fields={"merchant": "m" * 300_000}),
    ]
    for each in callers:
        for wish in wishes:
            message = each.message(wish)
            assert len(send(platform.edge, message).body) < 6_000, (each.name, wish.fields)


def test_mutated_messages_are_answered_in_the_dialect_and_change_nothing(
    callers: list[Dialect], books: Books, platform: Platform
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    books.unchanged_by(lambda: _send_mutations(callers, platform, seed))


def _send_mutations(callers: list[Dialect], platform: Platform, seed: int) -> None:
    # A payer without the money: even a mutation that no signature covers moves nothing.
    wish = Wish(fields={"payer_token": "289999999999999999"})
    for each in callers:
        chance = random.Random(f"{seed} {each.name}")
        message = each.message(wish)
        for _ in range(MUTATIONS):
            _survives(platform, each, _mutated(message, chance), seed)


def _survives(platform: Platform, dialect: Dialect, message: Message, seed: int) -> None:
    with line(platform.edge) as opened_line:
        heard = opened_line.send(message)
    assert heard.status != 500, (seed, dialect.name, message, heard)
    assert "x-request-id" in heard.headers
    if heard.headers.get("content-type") != "application/problem+json":
        said = dialect.read(heard, message)
        assert said.code not in {"0", "10000", "200", "201"}, (seed, dialect.name, message)


def _mutated(message: Message, chance: random.Random) -> Message:
    """The message with a few bytes of its target, of a header or of its body changed."""
    where = chance.choice(["target", "header", "body"])
    if where == "body" and message.body:
        return replace(message, body=_bent(message.body, chance))
    if where == "target":
        bent = _bent(message.target.encode(), chance).decode("latin-1")
        return replace(message, target="/" + _visible(bent[1:]))
    index = chance.randrange(1, len(message.headers))
    name, value = message.headers[index]
    bent = _visible(_bent(value.encode(), chance).decode("latin-1"))
    changed = (*message.headers[:index], (name, bent), *message.headers[index + 1 :])
    return replace(message, headers=changed)


def _bent(raw: bytes, chance: random.Random) -> bytes:
    data = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.choice(["flip", "drop", "add", "cut", "double"]):
            case "flip" if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case "drop" if at < len(data):
                del data[at]
            case "add":
                data.insert(at, chance.choice(b"\0\"'{}[]&=+%/\\,;: \xff0aZ"))
            case "cut":
                del data[at:]
            case "double":
                data[at:at] = data[max(0, at - 20) : at]
    return bytes(data)


def _visible(text: str) -> str:
    """Without what would end the line or split it: that is the HTTP server's own test."""
    return re.sub(r"[\x00-\x20\x7f-\xff#]", "_", text) or "_"


def _tills(platform: Platform) -> str:
    """The id of the demo's app that speaks the native wire only."""
    return str(next(a["app_id"] for a in platform.demo["apps"] if set(a["wires"]) == {"native"}))
