"""The native wire through the whole pipeline: what a partner sees for each kind of call."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.gateway.edge import (
    NATIVE_ALGORITHMS,
    NOW,
    PAY,
    TENANT_TOKEN,
    Edge,
    MemoryReplay,
    ask,
    echo,
    identity,
    key,
    partner_app,
    pay,
    problem,
    snapshot,
)

from bankside.gateway import slow_signing
from bankside.gateway.exchange import Exchange, Refusal, Reply
from bankside.gateway.limits import SharedLimits
from bankside.gateway.meter import RecordMeter
from bankside.gateway.replay import ReplayStore
from bankside.gateway.serving import Serving
from bankside.gateway.stages import acquaintance
from bankside.gateway.wires.native import NativeWire
from bankside.kernel.call import Answer, Call
from bankside.kernel.clock import FixedClock
from bankside.kernel.errors import NotFound, Refused, Unavailable
from bankside.kernel.local_limits import LocalLimits
from bankside.kernel.metering import SegmentWriter
from bankside.kernel.money import Money
from bankside.kernel.signing.rfc9421 import Request


@pytest.mark.parametrize("alg", NATIVE_ALGORITHMS)
async def test_a_signed_payment_is_executed_once_and_answered_signed(alg: str) -> None:
    edge = Edge()

    reply = await edge.call(pay(), identity(alg))

    assert reply.status == 201
    assert len(edge.calls) == 1
    call = edge.calls[0]
    assert call.body["amount"] == {"amount": "10.00", "currency": "CNY"}
    assert (call.caller.partner, call.caller.app) == ("prt_food", "app_food")
    assert call.idempotency_key == "order-1"


async def test_an_hmac_app_is_answered_under_its_own_secret() -> None:
    edge = Edge()
    request = edge.signed(pay())

    parameters = edge.verify(await edge.send(request), request)

    assert parameters["alg"] == "hmac-sha256"
    assert parameters["keyid"] == "k-hmac-sha256"


async def test_an_hmac_app_that_chose_a_platform_key_is_answered_with_it() -> None:
    edge = Edge(partner_app(answer_keys={"native": "gw-ed25519"}))
    request = edge.signed(pay())

    assert edge.verify(await edge.send(request), request)["keyid"] == "gw-ed25519"


async def test_path_and_query_reach_the_executing_room_decoded() -> None:
    edge = Edge()

    await edge.call(ask("ord%2D7", "note=%E4%B9%A6+a&empty="))

    assert edge.calls[0].path == {"scanPaymentId": "ord-7"}
    assert edge.calls[0].query == {"note": "书 a", "empty": ""}


async def test_a_tenant_token_makes_the_call_the_tenants() -> None:
    edge = Edge()

    await edge.call(pay(**{"x-app-auth-token": TENANT_TOKEN}))

    assert edge.calls[0].caller.tenant == "tnt_noodles"


async def test_an_unknown_tenant_token_is_refused() -> None:
    edge = Edge()

    reply = await edge.call(pay(**{"x-app-auth-token": "another"}))

    assert (reply.status, problem(reply)["code"]) == (401, "tenant.token_unknown")
    assert edge.calls == []


async def test_the_partners_request_id_comes_back_and_ours_names_the_refusal() -> None:
    edge = Edge()

    reply = await edge.call(replace(ask(), path="/v1/nothing", headers={"request-id": "mine-1"}))

    assert dict(reply.headers)["request-id"] == "mine-1"
    assert problem(reply)["request_id"] == f"{1:032x}"
    assert problem(reply)["instance"].endswith(f"{1:032x}")


async def test_without_a_request_id_ours_is_echoed() -> None:
    edge = Edge()

    reply = await edge.call(ask())

    assert dict(reply.headers)["request-id"] == f"{1:032x}"


async def test_an_unknown_path_is_404_and_a_known_path_with_another_method_405() -> None:
    edge = Edge()

    unknown = await edge.call(Request("GET", "/v1/nothing", "", {"host": "bank.example"}))
    wrong = await edge.call(replace(pay(), method="DELETE", body=b""))

    assert (unknown.status, problem(unknown)["code"]) == (404, "route.not_found")
    assert (wrong.status, problem(wrong)["code"]) == (405, "route.method_not_allowed")
    assert dict(wrong.headers)["allow"] == "POST, OPTIONS"
    assert edge.pipeline.allowed("/v1/scan-payments/ord_1") == ("GET", "HEAD", "OPTIONS")
    assert edge.pipeline.allowed("/v1/nothing") == ()


async def test_head_is_the_get_operation_signed_as_head() -> None:
    edge = Edge()

    reply = await edge.call(replace(ask(), method="HEAD"))

    assert reply.status == 200
    assert edge.calls[0].operation.method == "GET"


async def test_an_operation_outside_the_subscription_is_refused() -> None:
    edge = Edge()

    reply = await edge.call(replace(pay(key=""), path="/v1/personal-loans"))

    assert (reply.status, problem(reply)["code"]) == (403, "subscription.missing")
    assert edge.calls == []


async def test_an_operation_needing_a_scope_the_app_lacks_is_refused() -> None:
    without = Edge()
    granted = Edge(partner_app(scopes=frozenset({"secrets"})))
    request = replace(pay(), path="/v1/platform/secrets")

    refused = await without.call(request)
    allowed = await granted.call(request)

    assert (refused.status, problem(refused)["code"]) == (403, "scope.missing")
    assert allowed.status == 200


async def test_a_product_that_is_not_built_says_so_to_a_proven_caller() -> None:
    edge = Edge()

    reply = await edge.call(replace(pay(), path="/v1/holdings"))

    assert (reply.status, problem(reply)["code"]) == (501, "product.not_available")
    assert edge.calls == []


async def test_a_blocked_app_is_told_only_after_it_proved_itself() -> None:
    edge = Edge(partner_app(active=False))

    proven = await edge.call(ask())
    stranger = await edge.send(edge.signed(ask(), identity(name="stranger")))

    assert (proven.status, problem(proven)["code"]) == (403, "app.blocked")
    assert (stranger.status, problem(stranger)["code"]) == (401, "signature.invalid")


async def test_calls_beyond_the_agreed_rate_are_refused_with_the_time_to_wait() -> None:
    edge = Edge(partner_app(rate_per_second=1, burst=2))

    replies = [await edge.call(ask()) for _ in range(3)]
    edge.now += 1.0
    later = await edge.call(ask())

    assert [each.status for each in replies] == [200, 200, 429]
    assert problem(replies[2])["code"] == "limit.rate_exceeded"
    assert dict(replies[2].headers)["retry-after"] == "1"
    assert later.status == 200


async def test_a_stranger_does_not_drain_the_partners_rate() -> None:
    edge = Edge(partner_app(rate_per_second=1, burst=1))
    stranger = identity(name="stranger")

    for _ in range(5):
        assert (await edge.send(edge.signed(ask(), stranger))).status == 401
    reply = await edge.call(ask())

    assert reply.status == 200


async def test_one_address_cannot_make_us_verify_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquaintance, "STRANGER_RATE", 1)
    monkeypatch.setattr(acquaintance, "STRANGER_BURST", 3)
    edge = Edge(partner_app(rate_per_second=1, burst=1))
    stranger = identity(name="stranger")

    known = [await edge.send(edge.signed(ask(), stranger)) for _ in range(5)]
    alg = edge.serving.current.decoy_algorithm("k-nobody")
    invented = identity(alg, "k-nobody", "stranger")
    unknown = [await edge.send(edge.signed(ask(), invented)) for _ in range(5)]
    edge.now += 10
    honest = await edge.call(ask())

    assert [each.status for each in known] == [401, 401, 401, 401, 429]
    assert [each.status for each in unknown] == [401, 401, 401, 401, 429]
    assert problem(known[4])["code"] == "limit.source_exceeded"
    assert honest.status == 200


async def test_a_refusal_of_the_executing_room_reaches_the_partner_with_its_code() -> None:
    class Insufficient(Refused):
        """The debtor account cannot cover the amount."""

        code = "payment.funds_insufficient"
        iso_reason = "AM04"

    def refuse(call: Call) -> Answer:
        raise Insufficient

    edge = Edge(execute=refuse)

    reply = await edge.call(pay())

    body = problem(reply)
    assert (reply.status, body["code"]) == (409, "payment.funds_insufficient")
    assert body["iso_reason"] == "AM04"


async def test_an_amount_with_three_decimals_gets_the_executing_rooms_refusal() -> None:
    def parse(call: Call) -> Answer:
        Money.parse(**call.body["amount"])
        return Answer(201, {})

    edge = Edge(execute=parse)

    reply = await edge.call(pay("10.005"))

    assert (reply.status, problem(reply)["code"]) == (422, "amount.invalid")


async def test_what_breaks_on_our_side_is_a_500_without_detail() -> None:
    def break_down(call: Call) -> Answer:
        raise RuntimeError("select secret from bank.accounts")

    edge = Edge(execute=break_down)

    with capture_logs() as logs:
        reply = await edge.call(ask())

    assert (reply.status, problem(reply)["code"]) == (500, "internal")
    assert b"secret" not in reply.body
    assert [each["request_id"] for each in logs] == [problem(reply)["request_id"]]
    assert "select secret" in repr(logs[0]["exc_info"])


async def test_a_write_that_breaks_midway_says_that_its_outcome_is_unknown() -> None:
    async def lose_the_database(call: Call) -> Answer:
        raise ConnectionResetError("connection lost")

    edge = Edge(execute=lose_the_database)

    with capture_logs():
        reply = await edge.call(pay())

    body = problem(reply)
    assert (reply.status, body["code"]) == (503, "unavailable")
    assert (body["outcome"], body["idempotency_key"]) == ("unknown", "order-1")
    assert "retry-after" in dict(reply.headers)


async def test_an_operation_that_takes_too_long_is_504_and_a_write_is_of_unknown_outcome() -> None:
    async def sleep(call: Call) -> Answer:
        await asyncio.sleep(5)
        return Answer(201, {})

    edge = Edge(execute=sleep)

    write = await edge.call(pay(**{"x-timeout-ms": "20"}))
    read = await edge.call(replace(ask(), headers={"x-timeout-ms": "20"}))

    assert (write.status, problem(write)["outcome"]) == (504, "unknown")
    assert read.status == 504
    assert "outcome" not in problem(read)


async def test_a_callers_time_limit_that_is_no_number_is_refused_before_anything_runs() -> None:
    edge = Edge()

    for text in ("0", "-1", "1e3", "soon", "9999999999", "٣"):
        reply = await edge.call(pay(**{"x-timeout-ms": text}))
        assert (reply.status, problem(reply)["code"]) == (400, "header.malformed")
    assert edge.calls == []


async def test_the_executing_room_learns_the_deadline() -> None:
    edge = Edge()

    await edge.call(pay())

    deadline = edge.calls[0].deadline
    assert deadline is not None
    assert deadline.timestamp() == pytest.approx(NOW + PAY.deadline_ms / 1000)


async def test_an_answer_that_waits_is_awaited() -> None:
    async def later(call: Call) -> Answer:
        await asyncio.sleep(0)
        return echo(call)

    edge = Edge(execute=later)

    assert (await edge.call(pay())).status == 201


async def test_a_read_answered_at_once_needs_no_task() -> None:
    edge = Edge()

    reply = edge.pipeline(edge.exchange(edge.signed(ask())))

    assert not isinstance(reply, asyncio.Future)
    assert reply.status == 200  # type: ignore[union-attr]


async def test_a_money_answer_leaves_only_after_its_record_is_kept() -> None:
    edge = Edge()

    await edge.call(pay())
    await edge.call(ask())

    assert edge.meter.flushes == 1
    assert len(edge.meter.records) == 2


async def test_a_money_answer_whose_record_cannot_be_kept_is_of_unknown_outcome() -> None:
    edge = Edge()
    edge.meter.broken = True

    reply = await edge.call(pay())

    body = problem(reply)
    assert (reply.status, body["code"]) == (503, "record.unwritten")
    assert (body["outcome"], body["idempotency_key"]) == ("unknown", "order-1")


async def test_no_money_moves_while_records_cannot_be_kept_but_reads_pass() -> None:
    edge = Edge()
    edge.meter.failing = True

    write = await edge.call(pay())
    read = await edge.call(ask())

    assert (write.status, problem(write)["code"]) == (503, "record.impossible")
    assert "outcome" not in problem(write)
    assert read.status == 200
    assert len(edge.calls) == 1


async def test_an_edge_with_an_old_configuration_serves_reads_only() -> None:
    edge = Edge(reads_only=True)

    write = await edge.call(pay())
    read = await edge.call(ask())

    assert (write.status, problem(write)["code"]) == (503, "edge.reads_only")
    assert read.status == 200


async def test_a_call_in_flight_keeps_the_snapshot_it_began_with() -> None:
    waiting = asyncio.Event()

    async def wait(call: Call) -> Answer:
        await waiting.wait()
        return echo(call)

    edge = Edge(execute=wait)
    request = edge.signed(ask(), identity("ed25519"))
    answer = asyncio.ensure_future(edge.pipeline(edge.exchange(request)))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    edge.serving.current = Edge(partner_app(keys={})).serving.current
    waiting.set()

    edge.verify(await answer, request)
    again = await edge.send(edge.signed(ask(), identity("ed25519")))

    assert again.status == 401


async def test_two_equal_requests_at_once_have_one_effect() -> None:
    started: list[Call] = []

    async def slow(call: Call) -> Answer:
        started.append(call)
        await asyncio.sleep(0.01)
        return echo(call)

    edge = Edge(execute=slow)
    request = edge.signed(pay())

    replies = await asyncio.gather(*(edge.send(request) for _ in range(20)))

    assert sorted(each.status for each in replies) == [201] + [401] * 19
    assert len(started) == 1
    refused = next(each for each in replies if each.status == 401)
    assert problem(refused)["code"] == "signature.replayed"


async def test_of_copies_that_pass_the_probe_together_exactly_one_wins() -> None:
    """Two workers: both look before either remembers; the claim decides."""

    class Blind(MemoryReplay):
        def seen(self, app: str, nonce: str, now: float) -> bool:
            return False

    edge = Edge(replay=Blind())
    request = edge.signed(pay())

    replies = [await edge.send(request) for _ in range(3)]

    assert [each.status for each in replies] == [201, 401, 401]
    assert len(edge.calls) == 1


async def test_a_forged_message_burns_no_nonce() -> None:
    edge = Edge()
    honest = edge.signed(pay(), nonce="nonce-of-sixteen")
    forged = edge.signed(pay("99.00"), identity(name="stranger"), nonce="nonce-of-sixteen")

    refused = await edge.send(forged)
    accepted = await edge.send(honest)

    assert (refused.status, accepted.status) == (401, 201)


async def test_a_replay_store_that_started_after_the_request_was_made_refuses_it() -> None:
    class Young(MemoryReplay):
        started_at = NOW - 10

    edge = Edge(replay=Young())

    old = await edge.send(edge.signed(ask(), age=11))
    new = await edge.send(edge.signed(ask(), age=10))

    assert (old.status, problem(old)["code"]) == (401, "signature.stale")
    assert new.status == 200


async def test_during_rotation_old_and_new_key_pass_then_only_the_new_one() -> None:
    end = int(NOW) + 100
    keys = (
        key("ed25519", "k-old", "old", not_after=end),
        key("ed25519", "k-new", "new", not_before=int(NOW) - 100),
    )
    edge = Edge(partner_app(keys={"native": keys}))
    old, new = identity("ed25519", "k-old", "old"), identity("ed25519", "k-new", "new")

    both = [(await edge.call(ask(), each)).status for each in (old, new)]
    edge.now = float(end)
    late = await edge.call(ask(), old)
    still = await edge.call(ask(), new)

    assert both == [200, 200]
    assert (late.status, problem(late)["code"]) == (401, "signature.key_unknown")
    assert still.status == 200
    assert [x.key.id for x, _ in edge.meter.records if x.key] == ["k-old", "k-new", "k-new"]


async def test_a_secret_that_does_not_open_is_our_trouble_not_a_500() -> None:
    sealed = replace(key("hmac-sha256", "k-hmac-sha256"), material=b"\0" * 60)
    edge = Edge(partner_app(keys={"native": (sealed,)}))

    reply = await edge.send(edge.signed(ask()))

    assert (reply.status, problem(reply)["code"]) == (503, "edge.key_unreadable")


async def test_a_dialect_that_fails_to_write_still_leaves_a_problem_body() -> None:
    edge = Edge(execute=lambda call: Answer(200, {"not json": object()}))

    with capture_logs():
        reply = await edge.send(edge.signed(ask()))

    assert (reply.status, problem(reply)["code"]) == (500, "internal")


async def test_a_repeat_answered_from_the_journal_says_so() -> None:
    edge = Edge(execute=lambda call: Answer(201, {"id": "ord_1"}, hit=True))

    reply = await edge.call(pay())

    assert dict(reply.headers)["idempotency-hit"] == "true"


async def test_an_answer_without_content_is_signed_over_the_digest_of_nothing() -> None:
    edge = Edge(execute=lambda call: Answer(204, {}))

    reply = await edge.call(pay())

    assert reply.body == b""
    empty = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
    assert dict(reply.headers)["content-digest"] == empty


async def test_a_file_is_answered_with_its_own_content_type() -> None:
    edge = Edge(execute=lambda call: Answer(200, "号码\r\n".encode(), content_type="text/csv"))

    reply = await edge.call(ask())

    assert dict(reply.headers)["content-type"] == "text/csv"
    assert reply.body == "号码\r\n".encode()


async def test_every_refusal_of_a_stage_leaves_a_signed_answer_and_a_record() -> None:
    edge = Edge()

    await edge.call(replace(pay(), path="/v1/holdings"))

    x, reply = edge.meter.records[0]
    assert x.stage == "available"
    assert reply.status == 501


def test_the_stages_stand_in_the_order_of_the_guide() -> None:
    names = [name for name, _ in Edge().pipeline.stages]

    assert names == [
        "wire", "size", "app", "clock", "strangers", "replay", "signature", "nonce", "tenant",
        "offer", "subscription", "rate", "body", "named", "chosen", "consent", "available",
        "idempotency", "record", "signing",
    ]  # fmt: skip


async def test_not_found_of_the_executing_room_is_a_404() -> None:
    def nothing(call: Call) -> Answer:
        raise NotFound("order ord_1")

    edge = Edge(execute=nothing)
    reply = await edge.call(ask())

    assert (reply.status, problem(reply)["code"]) == (404, "not_found")


async def test_an_answer_signed_by_rsa_is_signed_beside_the_event_loop() -> None:
    edge = Edge(partner_app(answer_keys={"native": "gw-rsa-pss-sha512"}))
    request = edge.signed(pay())

    pending = edge.pipeline(edge.exchange(request))
    assert not isinstance(pending, Reply)
    reply = await pending

    assert edge.verify(reply, request)["alg"] == "rsa-pss-sha512"
    assert edge.meter.flushes == 1


async def test_when_too_many_rsa_answers_wait_nothing_is_executed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slow_signing, "WAITING_MAX", 0)
    edge = Edge(partner_app(answer_keys={"native": "gw-rsa-pss-sha512"}))

    reply = await edge.send(edge.signed(pay()))

    assert (reply.status, problem(reply)["code"]) == (503, "edge.signing_busy")
    assert "signature" not in dict(reply.headers)
    assert edge.calls == []


async def test_a_flood_of_strangers_is_refused_unsigned_at_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slow_signing, "STRANGER_SIGNATURES", 1)
    monkeypatch.setattr(slow_signing, "STRANGER_SIGNATURES_BURST", 2)
    edge = Edge()
    serving = edge.serving.current
    keys = {"native": "gw-rsa-v1_5-sha256"}
    slow = Serving.of(replace(snapshot(), default_answer_keys=keys), serving.vault)
    edge.serving.current = slow

    replies = [await edge.send(ask()) for _ in range(3)]
    proven = await edge.send(edge.signed(ask()))

    assert ["signature" in dict(each.headers) for each in replies] == [True, True, False]
    assert [each.status for each in replies] == [401] * 3
    assert "signature" in dict(proven.headers)


async def test_rights_are_asked_again_when_the_content_names_another_operation() -> None:
    class Chooser(NativeWire):
        def decode(self, x: Exchange, s: Serving) -> Refusal | None:
            x.operation = s.operations["loan.personal-loans.create"]
            return None

    edge = Edge(wires=(Chooser(),))

    reply = await edge.call(pay())

    assert (reply.status, problem(reply)["code"]) == (403, "subscription.missing")
    assert edge.calls == []


async def test_while_the_shared_limits_are_away_each_worker_counts_for_itself() -> None:
    class Away(LocalLimits):
        def take(self, bucket: str, now: float, *, rate: int, burst: int) -> float:
            raise Unavailable

    edge = Edge(partner_app(rate_per_second=1, burst=1), limits=Away())

    replies = [await edge.call(ask()) for _ in range(2)]

    assert [each.status for each in replies] == [200, 429]


async def test_a_full_replay_store_refuses_and_executes_nothing() -> None:
    class Full(MemoryReplay):
        def claim(self, app: str, nonce: str, now: float) -> bool:
            raise Unavailable(retry_after=1)

    edge = Edge(replay=Full())

    reply = await edge.call(pay())

    assert reply.status == 503
    assert "outcome" not in problem(reply)
    assert edge.calls == []


async def test_with_the_shared_stores_and_a_segment_file_a_payment_runs_once(
    tmp_path: Path, clock: FixedClock
) -> None:
    replay = ReplayStore(tmp_path / "replay", now=NOW - 100, window_s=1_200, slots=8_192)
    writer = SegmentWriter(tmp_path / "segments", "edge-1", clock)
    edge = Edge(
        partner_app(rate_per_second=1, burst=3),
        replay=replay,
        limits=SharedLimits(tmp_path / "limits", now=NOW - 100, buckets=256),
        meter=RecordMeter(writer),
    )
    request = edge.signed(pay())

    paid = await edge.send(request)
    again = await edge.send(request)
    reads = [(await edge.call(ask())).status for _ in range(3)]
    await writer.close()

    assert (paid.status, problem(again)["code"]) == (201, "signature.replayed")
    assert reads == [200, 200, 429]
    assert len(edge.calls) == 3
    segment = next((tmp_path / "segments").glob("*.seg")).read_bytes()
    assert segment.count(b"app_food") == 5
