"""Reading forms: what has one meaning is read, everything else is refused."""

import json
from urllib.parse import parse_qsl, quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankside.gateway.wires.forms import (
    JSON_DEPTH_MAX,
    PARAMETERS_MAX,
    ContentMalformed,
    FormMalformed,
    beijing_seconds,
    beijing_text,
    encoded,
    json_object,
    read_form,
)

FORM = "application/x-www-form-urlencoded"
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@given(st.dictionaries(TEXT.filter(lambda name: name != "charset"), TEXT, max_size=20))
@settings(max_examples=200, deadline=None)
def test_what_a_client_encodes_is_read_back(params: dict[str, str]) -> None:
    raw = urlencode(params)

    assert read_form("", raw.encode(), FORM).values == params
    assert read_form(raw, b"", "").values == params


@given(st.dictionaries(TEXT, TEXT, min_size=1, max_size=5), st.data())
@settings(max_examples=100, deadline=None)
def test_a_name_that_comes_twice_is_refused(params: dict[str, str], data: st.DataObject) -> None:
    params.pop("charset", None)
    params.setdefault("a", "1")
    again = data.draw(st.sampled_from(sorted(params)))
    extra = urlencode({again: "other"})

    with pytest.raises(FormMalformed):
        read_form(extra, urlencode(params).encode(), FORM)
    with pytest.raises(FormMalformed):
        read_form("", (urlencode(params) + "&" + extra).encode(), FORM)


@given(st.binary(max_size=120))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_read_as_the_standard_library_reads_them_or_refused(raw: bytes) -> None:
    try:
        form = read_form("", raw, FORM)
    except FormMalformed:
        return

    text = raw.decode(form.charset)
    expected = parse_qsl(text, keep_blank_values=True, encoding=form.charset)
    assert list(form.values.items()) == expected


@given(st.binary(max_size=200), st.sampled_from(["x", 'x"', "", "a;b=c"]))
@settings(max_examples=200, deadline=None)
def test_any_multipart_bytes_are_read_or_refused(raw: bytes, boundary: str) -> None:
    try:
        read_form("", b"--x\r\n" + raw, f"multipart/form-data; boundary={boundary}")
    except FormMalformed:
        return


@pytest.mark.parametrize(
    "raw",
    [b"a=%", b"a=%4", b"a=%zz", b"a=%00", b"%00=a", b"a=%ff", b"a=\xff", b"a=1&a=2", b"a&a="],
)
def test_what_two_readers_could_read_differently_is_refused(raw: bytes) -> None:
    with pytest.raises(FormMalformed):
        read_form("", raw, FORM)


def test_gbk_is_read_when_the_form_says_so() -> None:
    raw = f"charset=GBK&subject={quote_plus('书', encoding='gbk')}".encode()

    assert read_form("", raw, FORM).values["subject"] == "书"
    with pytest.raises(FormMalformed):
        read_form("", raw.replace(b"GBK", b"UTF-8"), FORM)
    with pytest.raises(FormMalformed):
        read_form("", b"charset=utf-16&a=b", FORM)


def test_one_parameter_more_than_allowed_is_refused() -> None:
    params = {f"p{n}": "1" for n in range(PARAMETERS_MAX)}

    assert len(read_form("", urlencode(params).encode(), FORM).values) == PARAMETERS_MAX
    with pytest.raises(FormMalformed):
        read_form("one=more", urlencode(params).encode(), FORM)


def test_times_are_beijing_times() -> None:
    assert beijing_seconds("2026-03-02 10:00:00") == 1_772_416_800
    assert beijing_text("2026-03-02T02:00:00.000Z") == "2026-03-02 10:00:00"
    for wrong in ("", "2026-03-02", "2026-02-30 10:00:00", "2026-03-02T10:00:00", "٢" * 19):
        assert beijing_seconds(wrong) is None


def test_content_is_one_shallow_object_with_exact_numbers() -> None:
    assert json_object('{"a":0.10,"b":1e400,"c":7}') == {"a": "0.10", "b": "1e400", "c": 7}
    deep = '{"a":' * JSON_DEPTH_MAX
    json_object(deep[:-5] + "{}" + "}" * (JSON_DEPTH_MAX - 1))
    nested = "[" * 100_000
    for wrong in ("", "[]", "1", "{", '{"a":NaN}', '{"a":"\\ud800"}', '{"a":"\\u0000"}', nested,
                  '{"\\u0000":1}', b"\xff", deep + "{}" + "}" * JSON_DEPTH_MAX):  # fmt: skip
        with pytest.raises(ContentMalformed):
            json_object(wrong)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
@settings(max_examples=200, deadline=None)
def test_json_text_keeps_its_meaning_in_every_charset(text: str) -> None:
    written = encoded(json.dumps(text, ensure_ascii=False), "gbk").encode("gbk")

    assert json.loads(written.decode("gbk")) == text
