"""A format means what its standard says, for a value just right and one just wrong."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankside.kernel.formats import CHECKS, has_format

RIGHT: dict[str, list[Any]] = {
    "date": ["2026-03-02", "2024-02-29"],
    "date-time": ["2026-03-02T02:00:00Z", "2026-03-02t02:00:00.123456789+08:00"],
    "time": ["23:59:60Z", "02:00:00.5-03:30"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "0B0E7C3A-1111-4222-8333-944444444444"],
    "email": ["ning@bank.example", "a.b+c@localhost"],
    "hostname": ["core.bank.example", "a", "1-2.example"],
    "uri": ["https://shop.example/a?b=%20#c", "urn:isbn:123"],
    "uri-reference": ["/a/b?c", "", "https://shop.example"],
    "ipv4": ["192.0.2.1"],
    "ipv6": ["2001:db8::1", "::"],
    "byte": ["", "aGk="],
    "int32": [2**31 - 1, -(2**31)],
    "int64": [2**63 - 1, -(2**63)],
}
WRONG: dict[str, list[Any]] = {
    "date": ["2026-02-29", "20260302", "2026-3-2", "2026-03-02 ", "٢٠٢٦-03-02"],
    "date-time": ["2026-03-02T02:00:00", "2026-03-02 02:00:00Z", "2026-02-29T02:00:00Z", "T"],
    "time": ["24:00:00Z", "02:00Z", "02:00:61Z", "02:00:00+24:00", "02:00:00"],
    "uuid": ["0b0e7c3a111142228333944444444444", "g" * 36, "{}"],
    "email": ["ning", "@bank.example", "ning@", "n ing@bank.example", "a..b@x", "x" * 65 + "@a"],
    "hostname": ["", "-a", "a..b", "a_b", "a." * 127 + "toolong", "x" * 64],
    "uri": ["/a", "https://a b", "https://a/%zz", "https://a/<b>", "", "1a:b"],
    "uri-reference": ["a b", "%", "a\nb", "\\"],
    "ipv4": ["256.0.0.1", "1.2.3", "01.2.3.4"],
    "ipv6": ["1::2::3", "192.0.2.1", "fe80::1%eth0"],
    "byte": ["a", "aGk", "aG k=", "é"],
    "int32": [2**31, -(2**31) - 1],
    "int64": [2**63],
}


def test_every_checked_format_has_examples_here() -> None:
    assert RIGHT.keys() == WRONG.keys() == CHECKS.keys()


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_right_passes_and_what_is_just_wrong_does_not(name: str) -> None:
    assert [each for each in RIGHT[name] if not has_format(name, each)] == []
    assert [each for each in WRONG[name] if has_format(name, each)] == []


@pytest.mark.parametrize("name", [*CHECKS, "unheard-of"])
def test_a_value_of_another_type_and_an_unknown_format_pass(name: str) -> None:
    for value in (None, True, [], {}):
        assert has_format(name, value)
    assert has_format("unheard-of", "anything")


@given(st.sampled_from(sorted(CHECKS)), st.text() | st.integers() | st.floats())
def test_a_check_never_raises(name: str, value: Any) -> None:
    assert has_format(name, value) in {True, False}


@given(st.datetimes(timezones=st.timezones()))
def test_every_instant_as_written_has_its_format(at: Any) -> None:
    whole = at.utcoffset().total_seconds() % 60 == 0
    assert has_format("date-time", at.isoformat()) == whole
