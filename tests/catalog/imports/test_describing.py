"""Reading API descriptions: carried over, or listed, or refused with line and rule."""

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.catalog.imports.descriptions import TIPS, raw

from bankside.catalog.imports import (
    DescriptionRefused,
    describe,
    figures,
    propose,
    read_review,
    review_text,
    set_name,
)
from bankside.catalog.imports.binding import bind
from bankside.catalog.imports.review import confirmed, fitting
from bankside.catalog.imports.schemas import is_safe_pattern
from bankside.catalog.imports.source import BYTES_MAX, DEPTH_MAX

SHARED = Path(__file__).parents[4] / "shared" / "data" / "openapi"


def changed(**change: Any) -> dict[str, Any]:
    made = copy.deepcopy(TIPS)
    made.update(change)
    return made


def test_json_and_yaml_of_one_description_say_the_same() -> None:
    one = describe(raw(TIPS))
    other = describe(yaml.safe_dump(TIPS, sort_keys=False).encode())

    assert [(each.method, each.path) for each in one.operations] == [
        ("GET", "/v1/tips"),
        ("POST", "/v1/tips"),
        ("GET", "/v1/tips/{id}"),
        ("DELETE", "/v1/tips/{id}"),
    ]
    assert one.schemas == other.schemas
    assert [(e.method, e.path, e.body, e.replies) for e in one.operations] == [
        (e.method, e.path, e.body, e.replies) for e in other.operations
    ]


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        (b'{"openapi": "3.0.0",\n "paths": {},\n "paths": {}}', "duplicate-name", 3),
        (b"openapi: 3.0.0\npaths: {}\npaths: {}\n", "duplicate-name", 3),
        (b'{"openapi": "3.0.0",\n "info": }', "syntax", 2),
        (b"openapi: 3.0.0\ninfo: [\n", "syntax", 3),
        (b'{\n"swagger": "2.0"}', "version", 2),
        (b'{\n\n"openapi": "4.0.0"}', "version", 3),
        (b'{"openapi": "3.0.0", "paths": 7}', "paths", 1),
        (b"[1]", "shape", 1),
        (b"", "shape", 1),
        (b"\xff\xfe{}", "encoding", 1),
        (b'{"openapi": "3.0.0", "x": "\\ud800"}', "encoding", 1),
        (b'{"openapi": "3.0.0", "x": NaN}', "syntax", 1),
        (b'{"openapi": "3.0.0", "x": 1e999}', "syntax", 1),
        (b"a: &a [*a]\n", "alias", 1),
        (b"? [a]\n: b\n", "name", 1),
        (b"a: {<<: {b: 1}}", "merge", 1),
        (
            b'{"openapi": "3.0.0", "paths": {\n"/a": {"get": {\n"$ref": "other.yaml#/a"}}}}',
            "external-reference",
            3,
        ),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "depth", 1),
        (b"[" * 100_000, "depth", 1),
        (b" " * (BYTES_MAX + 1), "size", 1),
    ],
)
def test_what_cannot_be_read_is_refused_with_line_and_rule(
    text: bytes, rule: str, line: int
) -> None:
    with pytest.raises(DescriptionRefused) as refused:
        describe(text)

    assert (refused.value.rule, refused.value.line) == (rule, line)
    assert refused.value.detail.startswith(f"line {line}: {rule}: ")


def test_aliases_that_stand_for_billions_are_refused() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )

    with pytest.raises(DescriptionRefused) as refused:
        describe(bomb.encode())

    assert refused.value.rule == "alias"


def test_a_description_as_deep_as_allowed_is_read() -> None:
    node: Any = {"type": "string"}
    while True:
        deeper = {"type": "array", "items": node}
        made = changed(components={"schemas": {**TIPS["components"]["schemas"], "Deep": deeper}})
        if _depth(made) > DEPTH_MAX:
            break
        node = deeper

    fits = changed(components={"schemas": {**TIPS["components"]["schemas"], "Deep": node}})

    assert describe(raw(fits)).operations
    with pytest.raises(DescriptionRefused):
        describe(raw(made))


def _depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((_depth(each) for each in inside), default=0)


def test_yaml_words_mean_what_openapi_says() -> None:
    text = yaml.safe_dump(TIPS, sort_keys=False).replace("Tips for waiters", "no")
    text = text.replace("version: '1.2'", "version: 2024-01-01")

    found = describe(text.encode())

    assert (found.summary, found.version) == ("no", "2024-01-01")


def test_cycles_of_schemas_are_kept_and_circles_are_cut() -> None:
    description = changed()
    description["components"]["schemas"]["NewTip"]["allOf"] = [{"$ref": "#/components/schemas/Tip"}]

    kept, cut = describe(raw(TIPS)), describe(raw(description))

    assert not [each for each in kept.findings if each.rule == "schema-circle"]
    assert [each.rule for each in cut.findings if each.rule == "schema-circle"]
    for each in (kept, cut):
        for name in each.schemas:
            validator = jsonschema.Draft202012Validator(
                {"$ref": f"#/$defs/{name}", "$defs": each.schemas}
            )
            list(validator.iter_errors({"parent": {"parent": {"amount": 1}}}))


def test_read_only_members_are_not_asked_of_callers_and_null_is_what_nullable_means() -> None:
    found = describe(raw(TIPS))
    create = found.operations[1]
    assert create.body is not None
    check = jsonschema.Draft202012Validator(
        {"$ref": f"#/$defs/{create.body.schema}", "$defs": found.schemas}
    )

    assert check.is_valid({"amount": 1, "currency": "CNY", "phone": None})
    assert not check.is_valid({"amount": None, "currency": "CNY"})
    answer = jsonschema.Draft202012Validator(
        {"$ref": f"#/$defs/{create.replies['201'].schema}", "$defs": found.schemas}
    )
    assert not answer.is_valid({"amount": 1, "currency": "CNY"})


def test_what_an_import_cannot_express_is_listed_with_its_line() -> None:
    description = changed(webhooks={"tipGiven": {"post": {}}}, security=[{"key": []}])
    description["openapi"] = "3.1.0"
    post = description["paths"]["/v1/tips"]["post"]
    post["callbacks"] = {"done": {}}
    post["parameters"].append({"name": "c", "in": "cookie", "schema": {}})
    post["requestBody"]["content"]["multipart/form-data"] = {}
    post["responses"]["201"]["links"] = {"self": {}}
    post["responses"]["201"]["headers"] = {"Location": {}}
    description["paths"]["/v1/tips"]["head"] = {}
    description["paths"]["/v1/files"] = {
        "post": {"requestBody": {"content": {"application/pdf": {}}}, "responses": {}}
    }
    description["components"]["schemas"]["NewTip"]["properties"]["phone"]["pattern"] = "(a+)+$"
    text = raw(description)

    found = describe(text)

    rules = {each.rule for each in found.findings}
    assert rules >= {
        *("webhook", "security", "callback", "cookie", "media-type", "link", "response-header"),
        *("method", "pattern"),
    }
    lines = text.decode().split("\n")
    hook = next(each for each in found.findings if each.rule == "webhook")
    assert "tipGiven" in lines[hook.line - 1]
    assert found.found - len(found.operations) == 2, "HEAD, and the one that takes a PDF"


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a|a)*$", "(a|aa)+", "([a-z]+)*x", r"(a)\1", "(", "a*b*c*d*e*", "x{1,5000}(y*z)*"],
)
def test_patterns_that_could_take_for_ever_are_not_safe(pattern: str) -> None:
    assert not is_safe_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["^[A-Z]{3}$", r"^\d{4}-\d{2}-\d{2}$", "^(debit|credit)$", r"^[^@]+@[^@]+\.[a-z]+$"]
)
def test_ordinary_patterns_are_kept(pattern: str) -> None:
    assert is_safe_pattern(pattern)


def test_nothing_of_a_proposal_is_confirmed_and_every_guess_says_why() -> None:
    found = describe(raw(TIPS))
    review = propose(found, product="imported.tips", url="https://core.bank.example")

    assert figures(review)["confirmed"] == 0
    create = review["operations"][1]
    assert (create["path"], create["word"]) == ("/v1/tips", "create")
    assert (create["moves_money"], create["risk_tier"], create["data_class"]) == (True, "R3", "C2")
    assert create["key_header"] == "Idempotency-Key"
    assert create["map_request"] == [
        {"source": "/amount", "target": "/amount", "unit": "minor", "currency": "/currency"}
    ]
    assert all(each["because"] for each in review["operations"])
    again = read_review(review_text(review).encode())
    fitting(again, found)
    assert bind(found, again) == bind(found, confirmed(review))


def _edited(*path: Any, to: Any) -> dict[str, Any]:
    review = propose(describe(raw(TIPS)), product="imported.tips", url="https://core.bank.example")
    at: Any = review
    for part in path[:-1]:
        at = at[part]
    if to is None:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return review


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("product",), "imported.Ünïcode"),
        (("product",), "tips"),
        (("format",), 2),
        (("colour",), "red"),
        (("upstream", "url"), ""),
        (("upstream", "connections"), 0),
        (("upstream", "connections"), 10_000),
        (("upstream", "slow_ms"), 60_000),
        (("upstream", "credential_header"), "x: y\r\n"),
        (("operations", 0, "path"), "/v1/other/tips"),
        (("operations", 0, "path"), "/v1/tips/Tips"),
        (("operations", 1, "path"), "/v1/tips/{id}"),
        (("operations", 0, "word"), "create"),
        (("operations", 0, "upstream"), "GET /v1/nothing"),
        (("operations", 0, "upstream"), "POST /v1/tips"),
        (("operations", 0), None),
        (("operations", 0, "scopes"), ["everything:write"]),
        (("operations", 0, "moves_money"), True),
        (("operations", 1, "headers"), {"x-a": "b\r\nx-evil: 1"}),
        (("operations", 1, "risk_tier"), "R4"),
        (("operations", 1, "map_request"), [{"target": "/a"}]),
        (("operations", 1, "map_request"), [{"target": "/a", "source": "/b", "unit": "minor"}]),
        (
            ("operations", 1, "refusals"),
            [{"status": 500, "code": "a.b", "answers": 409, "title": "x"}],
        ),
        (("operations", 2, "holes"), {}),
        (("source", "sha256"), "0" * 64),
    ],
)
def test_a_review_that_says_something_else_is_refused(path: tuple[Any, ...], to: Any) -> None:
    from bankside.catalog.imports import ReviewInvalid  # noqa: PLC0415 - beside its only use

    with pytest.raises(ReviewInvalid):
        fitting(confirmed(_edited(*path, to=to)), describe(raw(TIPS)))


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_damaged_description_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    """Bytes flipped, parts swapped for others: the reader has two ways out."""
    text = bytearray(raw(TIPS))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text) - 1))
        how = data.draw(st.sampled_from(["byte", "cut", "copy"]))
        if how == "byte":
            text[at] = data.draw(st.integers(0, 255))
        elif how == "cut":
            del text[at : at + data.draw(st.integers(1, 40))]
        else:
            text[at:at] = text[at : at + data.draw(st.integers(1, 200))]
    _read(bytes(text))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["$ref", "type", "items", "allOf", "name", "in", "schema", "content", "x-a"]
            )
            | st.text(max_size=5),
            inner
            | st.sampled_from(["#/components/schemas/Tip", "#/paths", "#", "object", "query"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_description_with_anything_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    made = copy.deepcopy(TIPS)
    for _ in range(data.draw(st.integers(1, 3))):
        at: Any = made
        while isinstance(at, dict | list) and at:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            key = data.draw(st.sampled_from(keys))
            if data.draw(st.booleans()) or not isinstance(at[key], dict | list):
                at[key] = data.draw(_VALUES)
                break
            at = at[key]
    _read(json.dumps(made).encode())


def _read(text: bytes) -> None:
    """A description is refused with line and rule, or binds to something a snapshot can hold."""
    try:
        found = describe(text)
    except DescriptionRefused as refused:
        assert refused.line >= 1
        assert refused.rule
        return
    review = propose(found, product="imported.tips", url="https://core.bank.example")
    bound = bind(found, confirmed(msgspec.json.decode(msgspec.json.encode(review))))
    jsonschema.Draft202012Validator.check_schema({"$defs": msgspec.json.decode(bound.schemas)})


@pytest.mark.shared
def test_all_real_descriptions_import() -> None:
    """59 public descriptions: what each gives is bound, and what is left out is named."""
    files = sorted(SHARED.rglob("*.json.gz"))
    if not files:
        pytest.skip("the shared data folder is not beside the checkout")
    operations = found = 0
    for file in files:
        described = describe(gzip.decompress(file.read_bytes()))
        product = f"imported.{set_name(described.title)}"
        review = confirmed(propose(described, product=product, url="https://core.bank.example"))
        fitting(review, described)
        upstream = bind(described, review)
        assert len(upstream.forwards) == len(described.operations)
        left_out = described.found - len(described.operations)
        named = sum(
            each.count
            for each in described.findings
            if each.rule in {"method", "media-type", "body", "cookie", "path", "operation"}
        )
        assert named >= left_out, file.name
        assert described.operations or described.findings, file.name
        operations += len(described.operations)
        found += described.found

    assert (len(files), operations, found) == (59, 3_194, 3_228)
