"""Roles: default deny, a denial overrides, and the committed matrix is what the code decides."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankside.identity.realms import Realm
from bankside.identity.roles import explain, matrix, read_book, rights_of, role_book

BOOK = role_book()
REALMS = (Realm.STAFF, Realm.PARTNER)
MATRIX = Path(__file__).resolve().parents[2] / "docs" / "build" / "roles.md"

_roles = st.sets(st.sampled_from([*BOOK.roles, "no-such-role", ""]))
_permissions = st.sampled_from([*BOOK.permissions, "no.such.right"])


@given(st.sampled_from([*REALMS, Realm.CUSTOMER]), _roles, _permissions)
def test_the_set_of_rights_and_the_explanation_are_one_decision(
    realm: Realm, roles: set[str], permission: str
) -> None:
    told = explain(BOOK, realm, roles, permission)

    assert told.allowed == (permission in rights_of(BOOK, realm, roles))


@given(st.sampled_from(REALMS), _roles, _permissions)
def test_a_denial_overrides_whatever_another_role_allows(
    realm: Realm, roles: set[str], permission: str
) -> None:
    held = [BOOK.roles[each] for each in roles if each in BOOK.roles]
    held = [each for each in held if each.realm is realm]

    rights = rights_of(BOOK, realm, roles)

    if any(permission in each.deny for each in held):
        assert permission not in rights
    assert (permission in rights) <= any(permission in each.allow for each in held)


def test_nobody_may_anything_without_a_role() -> None:
    for realm in Realm:
        assert rights_of(BOOK, realm, ()) == frozenset()
        assert rights_of(BOOK, realm, ("no-such-role",)) == frozenset()


def test_a_role_counts_in_its_own_realm_only() -> None:
    assert rights_of(BOOK, Realm.PARTNER, [*BOOK.roles]) <= {
        key for key, each in BOOK.permissions.items() if each.realm is Realm.PARTNER
    }
    assert rights_of(BOOK, Realm.STAFF, ["owner"]) == frozenset()
    assert explain(BOOK, Realm.PARTNER, ["owner"], "person.read").why == "unknown"
    assert rights_of(BOOK, Realm.CUSTOMER, [*BOOK.roles]) == frozenset()


def test_who_approves_never_makes_and_who_audits_changes_nothing() -> None:
    everything = [key for key, each in BOOK.roles.items() if each.realm is Realm.STAFF]
    both = rights_of(BOOK, Realm.STAFF, ["settlement-clerk", "approver"])
    assert "reconciliation.approve" in both
    assert "reconciliation.adjust" not in both

    seen = rights_of(BOOK, Realm.STAFF, everything)
    assert {each for each in seen if not each.endswith(".read")} == set()


def test_an_explanation_names_the_roles_that_decide() -> None:
    told = explain(BOOK, Realm.STAFF, ["operator", "auditor"], "order.retry")

    assert (told.why, told.allowed_by, told.denied_by) == ("denied", ("operator",), ("auditor",))
    assert told.given_by == ("operator",)
    assert explain(BOOK, Realm.STAFF, ["operator"], "audit.read").why == "not_allowed"


def test_the_committed_matrix_is_what_the_roles_say() -> None:
    assert MATRIX.read_text(encoding="utf-8") == matrix(BOOK), "run: bankside staff matrix"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("allow: [health.read]", "allow: [health.raed]"), "is no permission"),
        (("allow: [health.read]", "allow: [team.read]"), "is no permission"),
        (("deny: []", "deny: [health.read]"), "allows and denies"),
        (("realm: staff, zh: b", "reich: staff, zh: b"), "unknown field"),
        (("key: two", "key: one"), "used twice"),
    ],
)
def test_a_misspelt_role_stops_the_start(change: tuple[str, str], why: str) -> None:
    text = (
        "permissions:\n"
        "  - {key: health.read, realm: staff, zh: b, en: b}\n"
        "  - {key: team.read, realm: partner, zh: c, en: c}\n"
        "roles:\n"
        "  - {key: one, realm: staff, zh: a, en: a, allow: [health.read], deny: []}\n"
        "  - {key: two, realm: staff, zh: a, en: a, allow: []}\n"
    )
    assert read_book(text)

    with pytest.raises(ValueError, match=why):
        read_book(text.replace(*change))
