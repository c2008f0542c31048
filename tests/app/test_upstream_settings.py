"""Where services of the bank stand: named by the operator, or not called at all."""

from pathlib import Path

import pytest

from bankside.app.forwarding import egress_of
from bankside.app.settings import SettingInvalid, Settings
from bankside.kernel.egress import EgressRefused


def test_services_inside_are_named_with_host_and_port() -> None:
    settings = Settings.read({"BANKSIDE_UPSTREAM_HOSTS": "Core.bank:8443, 10.1.2.3:8080,[::1]:80"})
    egress = egress_of(settings)

    assert egress.checked("http://core.bank:8443/api").hostname == "core.bank"
    assert egress.checked("http://10.1.2.3:8080").port == 8080
    assert egress.checked("http://[::1]/").hostname == "::1"
    assert egress.checked("https://anywhere.example/api").hostname == "anywhere.example"
    for url in ("http://core.bank/api", "https://core.bank:8444", "http://10.1.2.4:8080"):
        with pytest.raises(EgressRefused):
            egress.checked(url)


@pytest.mark.parametrize("text", ["core.bank", "core.bank:", "core.bank:http", ":80", "a:70000"])
def test_what_names_no_service_is_refused_with_the_variable(text: str) -> None:
    with pytest.raises(SettingInvalid, match="BANKSIDE_UPSTREAM_HOSTS"):
        Settings.read({"BANKSIDE_UPSTREAM_HOSTS": text})


def test_a_missing_file_of_authorities_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="BANKSIDE_UPSTREAM_CA"):
        Settings.read({"BANKSIDE_UPSTREAM_CA": str(tmp_path / "none.pem")})
