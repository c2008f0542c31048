"""A request example is taken by its schema, or there is none; the description's own comes first."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.catalog.imports.descriptions import TIPS, raw

from bankside.catalog.apis.samples import Sampler, matching
from bankside.catalog.imports import describe
from bankside.catalog.imports.schemas import is_safe_pattern
from bankside.kernel.json_schema import Validator

TEXT = {"type": "string"}
SELF: dict[str, Any] = {
    "Tree": {
        "type": "object",
        "required": ["name", "below"],
        "properties": {
            "name": {"type": "string", "minLength": 3, "maxLength": 5},
            "below": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Tree"}]},
        },
    }
}


def sample(schema: dict[str, Any], **components: Any) -> tuple[Any, ...]:
    return Sampler(components).samples(schema)


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        ({"const": 7}, 7),
        ({"enum": ["b", "a"]}, "b"),
        ({"type": ["null", "boolean"]}, True),
        ({"type": "null"}, None),
        ({"type": "integer", "exclusiveMinimum": 4, "multipleOf": 5}, 5),
        ({"type": "number", "maximum": 0.5, "minimum": 0.25}, 0.5),
        ({"type": "string", "format": "date"}, "2026-03-02"),
        ({"type": "string", "pattern": "^[A-Z]{3}-\\d{2}(x|y)$"}, "AAA-11x"),
        ({"type": "string", "minLength": 9}, "exampleee"),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"properties": {"id": TEXT | {"readOnly": True}, "a": TEXT}}, {"a": "example"}),
        ({"required": ["a"], "properties": {"a": TEXT, "b": TEXT}}, {"a": "example"}),
        ({"allOf": [{"required": ["a"]}, {"properties": {"a": {"const": 1}}}]}, {"a": 1}),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, 1),
        ({"type": "string", "examples": ["told"]}, "told"),
        ({"type": "integer", "examples": ["not one"]}, 1),
    ],
)
def test_a_sample_is_what_a_reader_expects(schema: dict[str, Any], made: Any) -> None:
    assert sample(schema) == (made,)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "not": {"minLength": 0}},
        {"type": "string", "pattern": "^a$", "minLength": 2},
        {"oneOf": [{"type": "integer"}, {"type": "number"}]},
    ],
)
def test_where_none_is_found_there_is_none(schema: dict[str, Any]) -> None:
    assert sample(schema) == ()


def test_a_schema_that_contains_itself_ends() -> None:
    (made,) = sample({"$ref": "#/components/schemas/Tree"}, **SELF)

    assert made["name"] == "examp"
    assert len(str(made)) < 200


@given(st.from_regex(r"[a-z\\d\[\]^$()|?*+.{},-]{0,12}", fullmatch=True))
def test_whatever_is_made_is_taken(pattern: str) -> None:
    if not is_safe_pattern(pattern):
        return
    schema = {"type": "string", "pattern": pattern}
    assert isinstance(matching(pattern), str)
    assert all(Validator(schema).is_valid(each) for each in sample(schema))


def test_examples_of_the_description_are_kept_and_long_ones_are_listed() -> None:
    made = copy.deepcopy(TIPS)
    made["components"]["schemas"]["NewTip"]["properties"]["phone"]["example"] = "139"
    made["components"]["schemas"]["NewTip"]["properties"]["currency"]["example"] = "x" * 5_000

    kept, before = describe(raw(made)), describe(raw(TIPS))

    new_tip = next(each for each in kept.schemas.values() if "phone" in each.get("properties", {}))
    assert new_tip["properties"]["phone"]["examples"] == ["139"]
    assert "examples" not in new_tip["properties"]["currency"]
    rules = [each.rule for each in kept.findings]
    assert "example" in rules
    assert "example" not in [each.rule for each in before.findings]
