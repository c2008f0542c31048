"""Forwarding to a service of the bank: what is sent, what comes back, what a fault becomes."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.gateway.upstream.service import (
    CREATE,
    PRODUCT,
    QUERY,
    VAULT,
    Seen,
    answer,
    call,
    desk,
    service,
    upstream,
)

from bankside.gateway.upstream import errors
from bankside.kernel.egress import Egress
from bankside.kernel.errors import BanksideError
from bankside.kernel.snapshot import MapRule, RefusalRule, SentField, SentReply


def says(status: int, body: Any, *more: str, text: str | None = None):  # type: ignore[no-untyped-def]
    async def behave(_: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(status, body, *more, text=text))

    return behave


def sends(raw: bytes, *, close: bool = False):  # type: ignore[no-untyped-def]
    async def behave(_: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        if close:
            writer.close()

    return behave


async def test_a_read_is_asked_of_the_service_and_its_answer_comes_back() -> None:
    async with service(says(200, {"id": "t1", "note": "thanks"})) as there:
        made = desk(there.url)

        got = await made.forwarder(call(query={"limit": "5"}))

    assert (got.status, got.body) == (200, {"id": "t1", "note": "thanks"})
    asked = there.seen[0]
    assert (asked.method, asked.target) == ("GET", "/core/tips/t1?limit=5")
    assert asked.headers["x-request-id"] == "req-1"


async def test_the_callers_trace_goes_on_and_what_is_no_trace_does_not() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    async with service(says(200, {"id": "t1"})) as there:
        made = desk(there.url)
        await made.forwarder(call(trace=f"00-{trace}-b7ad6b7169203331-01"))
        await made.forwarder(call(trace="00-evil\r\nx: y"))

    first, second = (each.headers["traceparent"] for each in there.seen)
    assert first.startswith(f"00-{trace}-")
    assert first.endswith("-01")
    assert "b7ad6b7169203331" not in first
    assert second.startswith("00-")
    assert len(second) == 55


async def test_connections_are_kept_and_each_caller_gets_its_own_answer() -> None:
    async def echo(asked: Seen, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.002)
        writer.write(answer(200, {"id": asked.target.rpartition("/")[2]}))

    async with service(echo) as there:
        made = desk(there.url, connections=8)
        names = [f"t{number}" for number in range(24)]
        for _ in range(20):
            got = await asyncio.gather(*(made.forwarder(call(path={"id": n})) for n in names))
            assert [each.body["id"] for each in got] == names  # type: ignore[call-overload]

    assert there.connections <= 8


async def test_no_header_of_the_caller_and_no_connection_header_is_passed_on() -> None:
    async with service(
        says(200, {"id": "t1"}, "connection: keep-alive, x-secret", "x-secret: 1")
    ) as there:
        made = desk(there.url)
        got = await made.forwarder(call())

    assert got.content_type == "application/json"
    known = {"host", "user-agent", "accept", "accept-encoding", "x-request-id", "traceparent"}
    assert set(there.seen[0].headers) <= known


async def test_the_credential_is_opened_for_the_request_and_stands_nowhere_else() -> None:
    sealed = VAULT.seal(b"Bearer core-secret", purpose=f"upstream:{PRODUCT}")
    async with service(says(200, {"id": "t1"})) as there:
        made = desk(there.url, credential=sealed, credential_header="authorization")
        await made.forwarder(call())

    assert there.seen[0].headers["authorization"] == "Bearer core-secret"
    assert b"core-secret" not in sealed


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"body": {"amount": 0, "currency": "CNY"}}, "/amount"),
        ({"body": {"currency": "CNY"}}, ""),
        ({"body": {"amount": 5, "currency": "CNY", "note": "NO"}}, "/note"),
        ({"body": {"amount": 5, "currency": "CNY", "day": "2026-02-29"}}, "/day"),
        ({"query": {"colour": "red"}}, "/colour"),
    ],
)
async def test_a_request_that_its_description_does_not_allow_never_leaves(
    change: dict[str, Any], pointer: str
) -> None:
    async with service(says(201, {"id": "t1"})) as there:
        made = desk(there.url)
        with pytest.raises(errors.ForwardInvalid) as refused:
            await made.forwarder(call("create", **change))

    assert refused.value.errors[0]["pointer"] == pointer
    assert not there.seen
    assert not made.keys.rows, "the key is free: nothing happened"


@pytest.mark.parametrize("value", ["..", ".", "a\r\nx: y", "a/../b", "ü", "a b?c#d%"])
async def test_a_path_parameter_stays_one_part_of_the_path(value: str) -> None:
    async with service(says(200, {"id": "t1"})) as there:
        made = desk(there.url)
        try:
            await made.forwarder(call(path={"id": value}))
        except errors.ForwardInvalid:
            assert not there.seen
        else:
            target = there.seen[0].target
            assert target.startswith("/core/tips/")
            assert target.count("/") == 3
            assert "?" not in target


@pytest.mark.parametrize(
    ("status", "read", "write"),
    [
        (400, errors.UpstreamRefused, errors.UpstreamRefused),
        (401, errors.UpstreamCredentialRefused, errors.UpstreamCredentialRefused),
        (404, errors.UpstreamNotFound, errors.UpstreamNotFound),
        (409, errors.UpstreamConflict, errors.UpstreamConflict),
        (422, errors.UpstreamRefused, errors.UpstreamRefused),
        (429, errors.UpstreamBusy, errors.UpstreamBusy),
        (302, errors.UpstreamAnswerInvalid, errors.UpstreamOutcomeUnknown),
        (500, errors.UpstreamFailed, errors.UpstreamOutcomeUnknown),
        (503, errors.UpstreamBusy, errors.UpstreamOutcomeUnknown),
    ],
)
async def test_a_refusal_of_the_service_is_ours_and_none_of_its_text_gets_out(
    status: int, read: type[BanksideError], write: type[BanksideError]
) -> None:
    secret = {"error": "ORA-01555 snapshot too old at core-db-3", "id": "t1"}
    async with service(says(status, secret, "location: http://127.0.0.1/evil")) as there:
        made = desk(there.url)
        with pytest.raises(read) as reading:
            await made.forwarder(call())
        with pytest.raises(write) as writing:
            await made.forwarder(call("create"))

    for each in (reading.value, writing.value):
        assert "ORA" not in each.detail + str(each.extra) + str(each.errors)


async def test_the_operator_names_refusals_by_status_and_value() -> None:
    rules = (
        RefusalRule(402, "tip.declined", 409, "The tip was declined"),
        RefusalRule(402, "tip.poor", 409, "The card cannot cover it", "/error/code", "no_money"),
    )
    create = replace(CREATE, refusals=rules)
    async with service(says(402, {"error": {"code": "no_money"}})) as there:
        made = desk(there.url, forwards={f"{PRODUCT}.create": create, f"{PRODUCT}.query": QUERY})
        with pytest.raises(BanksideError) as refused:
            await made.forwarder(call("create"))

    assert (refused.value.code, refused.value.status) == ("tip.poor", 409)


@pytest.mark.parametrize(
    "raw",
    [
        b"this is no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 20_000 + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 9,
        b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\n{"a"',
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n\xff{}",
    ],
)
async def test_garbage_is_no_answer_and_of_a_write_the_outcome_is_unknown(raw: bytes) -> None:
    async with service(sends(raw, close=True)) as there:
        made = desk(there.url)
        with pytest.raises(errors.UpstreamAnswerInvalid):
            await made.forwarder(call(environment="live"))
        with pytest.raises(errors.UpstreamOutcomeUnknown):
            await made.forwarder(call("create", environment="live"))

    assert [row[0] for row in made.keys.rows.values()] == ["unknown"]


async def test_an_interim_answer_and_trailers_are_passed_over() -> None:
    raw = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        b'transfer-encoding: chunked\r\n\r\n9\r\n{"id":"a"\r\n1\r\n}\r\n'
        b"0\r\ncontent-type: text/html\r\n\r\n"
    )
    async with service(sends(raw)) as there:
        made = desk(there.url)
        got = await made.forwarder(call())

    assert got.body == {"id": "a"}


async def test_a_second_answer_is_given_to_nobody() -> None:
    twice = answer(200, {"id": "mine"}) + answer(200, {"id": "somebody else's"})
    async with service(sends(twice)) as there:
        made = desk(there.url, connections=1)
        bodies = [(await made.forwarder(call())).body for _ in range(5)]

    assert bodies == [{"id": "mine"}] * 5
    assert there.connections == 5, "a connection that said too much is not used again"


async def test_an_answer_that_comes_late_and_unasked_is_given_to_nobody() -> None:
    async def late(asked: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, {"id": asked.target.rpartition("/")[2]}))
        await writer.drain()
        await asyncio.sleep(0.0005)
        writer.write(answer(200, {"id": "somebody else's"}))

    async with service(late) as there:
        made = desk(there.url, connections=4)
        for number in range(50):
            names = [f"t{number}-{n}" for n in range(8)]
            got = await asyncio.gather(*(made.forwarder(call(path={"id": n})) for n in names))
            assert [each.body["id"] for each in got] == names  # type: ignore[call-overload]

    assert there.connections > 300, "who says too much is called on a new connection each time"


async def test_a_write_without_answer_is_unknown_and_is_sent_once() -> None:
    async def swallow(_: Seen, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with service(swallow) as there:
        made = desk(there.url)
        for _ in range(3):
            with pytest.raises(errors.UpstreamOutcomeUnknown) as unknown:
                await made.forwarder(call("create"))

    assert unknown.value.status == 504
    assert unknown.value.outcome_unknown
    assert len(there.seen) == 1


async def test_a_service_that_keeps_keys_itself_is_asked_again_with_the_same_key() -> None:
    seen: list[str] = []

    async def second_time(asked: Seen, writer: asyncio.StreamWriter) -> None:
        seen.append(asked.headers["idempotency-key"])
        if len(seen) <= 2:
            writer.close()
        else:
            writer.write(answer(201, {"id": "t1"}))

    create = replace(CREATE, key_header="idempotency-key", repeatable=True)
    async with service(second_time) as there:
        made = desk(there.url, forwards={f"{PRODUCT}.create": create, f"{PRODUCT}.query": QUERY})
        with pytest.raises(errors.UpstreamOutcomeUnknown):
            await made.forwarder(call("create"))
        got = await made.forwarder(call("create"))

    assert got.status == 201
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert seen[0] != "key-1", "two partners' equal keys are two keys there"


async def test_one_key_has_one_answer_and_another_request_is_refused() -> None:
    async with service(says(201, {"id": "t1"})) as there:
        made = desk(there.url)
        first = await made.forwarder(call("create"))
        again = await made.forwarder(call("create"))
        with pytest.raises(errors.ForwardKeyReused):
            await made.forwarder(call("create", body={"amount": 6, "currency": "CNY"}))

    assert (first.hit, again.hit) == (False, True)
    assert (again.status, again.body) == (first.status, first.body)
    assert len(there.seen) == 1


async def test_of_two_calls_with_one_key_at_once_one_is_carried_out() -> None:
    async def slowly(_: Seen, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(answer(201, {"id": "t1"}))

    async with service(slowly) as there:
        made = desk(there.url)
        got = await asyncio.gather(
            *(made.forwarder(call("create")) for _ in range(10)), return_exceptions=True
        )

    assert sum(not isinstance(each, Exception) for each in got) == 1
    assert sum(isinstance(each, errors.ForwardKeyInProgress) for each in got) == 9
    assert len(there.seen) == 1


async def test_a_refusal_is_kept_with_its_key() -> None:
    async with service(says(409, {})) as there:
        made = desk(there.url)
        for hit in (False, True):
            with pytest.raises(BanksideError) as refused:
                await made.forwarder(call("create"))
            assert (refused.value.code, refused.value.hit) == ("upstream.conflict", hit)

    assert len(there.seen) == 1


async def test_where_nobody_listens_nothing_happened_and_the_key_is_free() -> None:
    async with service(says(200, {})) as gone:
        url = gone.url
    made = desk(url)

    with pytest.raises(errors.UpstreamUnreachable) as refused:
        await made.forwarder(call("create"))

    assert refused.value.status == 503
    assert not refused.value.outcome_unknown
    assert not made.keys.rows


async def test_an_address_inside_is_called_only_when_the_operator_named_it() -> None:
    async with service(says(200, {"id": "t1"})) as there:
        closed = desk(there.url, egress=Egress())
        host = there.url.split("/")[2]
        named = desk(there.url, egress=Egress(internal=frozenset({host})))

        with pytest.raises(errors.UpstreamUnreachable):
            await closed.forwarder(call())
        got = await named.forwarder(call())

    assert got.status == 200
    assert len(there.seen) == 1


@pytest.mark.parametrize("url", ["http://169.254.169.254:80", "http://0.0.0.0:80"])
async def test_addresses_that_no_service_has_are_refused_even_when_named(url: str) -> None:
    made = desk(url, egress=Egress(internal=frozenset({url.removeprefix("http://")})))

    with pytest.raises(errors.UpstreamUnreachable):
        await made.forwarder(call())


async def test_in_the_sandbox_an_answer_is_held_against_its_description() -> None:
    async with service(says(200, {"name": "no id"})) as there:
        made = desk(there.url)
        with pytest.raises(errors.UpstreamAnswerMismatch) as refused:
            await made.forwarder(call())
        live = await made.forwarder(call(environment="live"))
        await asyncio.sleep(0)

    assert refused.value.status == 502
    assert made.told.texts == ["field.required at "]
    assert live.body == {"name": "no id"}


async def test_amounts_cross_exactly_both_ways() -> None:
    create = replace(
        CREATE,
        asked=(MapRule(source="/amount", target="/amount", unit="minor", currency="/currency"),),
        answered=(MapRule(source="/total", target="/total", unit="major", currency="/currency"),),
    )
    body = {"amount": {"amount": "12.34", "currency": "CNY"}}
    text = '{"id": "t1", "total": 0.29, "currency": "CNY", "rate": 0.1}'
    async with service(says(201, None, text=text)) as there:
        made = desk(there.url, forwards={f"{PRODUCT}.create": create, f"{PRODUCT}.query": QUERY})
        got = await made.forwarder(call("create", body=body))

    assert there.seen[0].json() == {"amount": 1234, "currency": "CNY"}
    assert isinstance(got.body, dict)
    assert got.body["total"] == {"amount": "0.29", "currency": "CNY"}
    assert got.body["rate"] == 0.1


async def test_lists_and_forms_are_written_as_the_service_wants_them() -> None:
    form = replace(
        CREATE,
        media="form",
        media_type="application/x-www-form-urlencoded",
        body="",
        deep=("card",),
    )
    listed = replace(
        QUERY,
        path="/tips",
        fields=(SentField("ids", "ids", "query", kind="array", entry="integer"),),
        replies={"200": SentReply("application/json")},
    )
    async with service(says(201, [1, 2])) as there:
        made = desk(there.url, forwards={f"{PRODUCT}.create": form, f"{PRODUCT}.query": listed})
        body = {"note": "a&b=c", "card": {"no": ["4", "5"]}, "many": [1, True]}
        got = await made.forwarder(call("create", body=body, environment="live"))
        await made.forwarder(call(path={}, query={"ids": "1,2"}, environment="live"))

    assert there.seen[0].body == b"note=a%26b%3Dc&card[no][0]=4&card[no][1]=5&many=1&many=true"
    assert there.seen[1].target == "/core/tips?ids=1&ids=2"
    assert got.body == {"items": [1, 2]}


async def test_a_changed_address_is_followed_and_old_calls_end_where_they_began() -> None:
    started = asyncio.Event()

    async def slowly(_: Seen, writer: asyncio.StreamWriter) -> None:
        started.set()
        await asyncio.sleep(0.05)
        writer.write(answer(200, {"id": "old"}))

    async with service(slowly) as old, service(says(200, {"id": "new"})) as new:
        made = desk(old.url)
        under_way = asyncio.ensure_future(made.forwarder(call()))
        await started.wait()
        made.snapshots.current = replace(
            made.snapshots.current, upstreams={"ups_tips": upstream(new.url)}
        )
        after = await made.forwarder(call())

        assert (await under_way).body == {"id": "old"}
        assert after.body == {"id": "new"}
