"""The locks name no address, and every installed package has a licence we may ship beside."""

from tools import licences


def test_every_locked_package_has_a_permissive_licence(capsys) -> None:  # type: ignore[no-untyped-def]
    assert licences.main() == 0, capsys.readouterr().out
