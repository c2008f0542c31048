"""The public SDKs behind one small face, so that the same cases run on each of them.

``call`` answers the node of the method as plain data, names in snake case; v3 has no ``code`` in
its bodies, so a success reads ``10000`` and a refusal keeps its status and code. What the SDK
itself rejects (a signature that is not ours, an unreadable answer) is raised as SdkFailed.
"""

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.sdks.harness import (
    HERE,
    Driver,
    SdkFailed,
    node_folder,
    pem,
    pkcs1_base64,
    pkcs8_base64,
    public_base64,
    python_with,
)

Node = dict[str, Any]
LOCK = HERE / "python-alipay-sdk.lock"


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a partner configures: addresses and keys (PEM); the content key as base64."""

    gateway: str
    app_id: str
    private_key: bytes
    bank_public_key: bytes
    aes_key: str = ""


class Sdk(ABC):
    """One public SDK, configured once."""

    name: str
    wire = "alipay"
    port_80_only = False

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.driver = self._start()
        self._configure()

    def with_setup(self, **changes: Any) -> "Sdk":
        """Another client of the same SDK with some settings changed."""
        return type(self)(replace(self.setup, **changes))

    def close(self) -> None:
        """End the SDK's process."""
        self.driver.close()

    @abstractmethod
    def _start(self) -> Driver: ...

    @abstractmethod
    def _configure(self) -> None: ...

    @abstractmethod
    def call(self, method: str, content: Mapping[str, Any], *, token: str = "") -> Node:
        """Call a method, for a tenant when a token is given; the node."""

    @abstractmethod
    def believes(self, form: Mapping[str, str]) -> bool:
        """Whether the SDK takes a callback form for ours."""


class OfficialPython(Sdk):
    """PyPI alipay-sdk-python, v2 by POST; reaches port 80 only."""

    name = "alipay-sdk-python"
    port_80_only = True

    def _start(self) -> Driver:
        return Driver(sys.executable, str(HERE / "driver_official.py"))

    def _configure(self) -> None:
        self.driver.ask(
            "configure",
            config={
                "server_url": f"{self.setup.gateway}/gateway.do",
                "app_id": self.setup.app_id,
                "app_private_key": pkcs1_base64(self.setup.private_key),
                "alipay_public_key": public_base64(self.setup.bank_public_key),
            },
        )

    def call(self, method: str, content: Mapping[str, Any], *, token: str = "") -> Node:
        common = {"app_auth_token": token} if token else {}
        node: Node = self.driver.ask("exec", method=method, content=content, common=common)
        return node

    def believes(self, form: Mapping[str, str]) -> bool:
        raise NotImplementedError("this SDK has no check of callbacks")


class CommunityPython(Sdk):
    """PyPI python-alipay-sdk, v2 by GET with everything in the query."""

    name = "python-alipay-sdk"

    def _start(self) -> Driver:
        return Driver(str(python_with(LOCK)), str(HERE / "driver_community.py"))

    def _configure(self, token: str = "") -> None:
        private = pem(pkcs1_base64(self.setup.private_key), "RSA PRIVATE KEY")
        config = {
            "gateway": f"{self.setup.gateway}/gateway.do",
            "appid": self.setup.app_id,
            "app_private_key_string": private,
            "alipay_public_key_string": pem(
                public_base64(self.setup.bank_public_key), "PUBLIC KEY"
            ),
        }
        self.driver.ask("configure", config=config | ({"app_auth_token": token} if token else {}))

    def call(self, method: str, content: Mapping[str, Any], *, token: str = "") -> Node:
        # This SDK takes a tenant's token when it is built, not with the call.
        self._configure(token)
        node: Node = self.driver.ask("exec", method=method, content=content)
        return node

    def believes(self, form: Mapping[str, str]) -> bool:
        try:
            return bool(self.driver.ask("notify", form=form))
        except SdkFailed:
            return False


class Npm(Sdk):
    """npm alipay-sdk, v2 by POST, answers checked (``validateSign``)."""

    name = "npm alipay-sdk v2"

    def _start(self) -> Driver:
        return Driver(
            "node", str(HERE / "node" / "driver.mjs"), SDK_FOLDER=str(node_folder(HERE / "node"))
        )

    def _configure(self) -> None:
        self.driver.ask(
            "configure",
            config={
                "appId": self.setup.app_id,
                "privateKey": pkcs8_base64(self.setup.private_key),
                "keyType": "PKCS8",
                "alipayPublicKey": public_base64(self.setup.bank_public_key),
                "gateway": f"{self.setup.gateway}/gateway.do",
                "endpoint": self.setup.gateway,
                "encryptKey": self.setup.aes_key or "AAAAAAAAAAAAAAAAAAAAAA==",
            },
        )

    def call(self, method: str, content: Mapping[str, Any], *, token: str = "") -> Node:
        common = {"appAuthToken": token} if token else {}
        return self._exec(method, content, common, validate=True)

    def encrypted(self, method: str, content: Mapping[str, Any]) -> Node:
        """The same with AES; this SDK cannot also check the signature then."""
        return self._exec(method, content, {"needEncrypt": True}, validate=False)

    def _exec(
        self, method: str, content: Mapping[str, Any], common: Mapping[str, Any], *, validate: bool
    ) -> Node:
        node = self.driver.ask(
            "exec",
            method=method,
            content=content,
            common=common,
            options={"validateSign": validate},
        )
        return snake(node)

    def believes(self, form: Mapping[str, str]) -> bool:
        return all(self.driver.ask("notify", form=form))


class NpmV3(Npm):
    """npm alipay-sdk, v3: paths, JSON, every success checked."""

    name = "npm alipay-sdk v3"
    wire = "alipay3"

    def call(self, method: str, content: Mapping[str, Any], *, token: str = "") -> Node:
        options: dict[str, Any] = {"body": content}
        if token:
            options["appAuthToken"] = token
        return self._curl(method, options)

    def encrypted(self, method: str, content: Mapping[str, Any]) -> Node:
        return self._curl(method, {"body": content, "needEncrypt": True})

    def _curl(self, method: str, options: Mapping[str, Any]) -> Node:
        path = "/v3/" + method.replace(".", "/")
        try:
            data = self.driver.ask("curl", verb="POST", path=path, options=options)
        except SdkFailed as failed:
            # What the SDK itself rejects carries the status of the success it rejected.
            if (failed.error.get("status") or 0) < 400:
                raise
            return {"status": failed.error["status"], "sub_code": failed.error["code"]}
        return {"code": "10000", **data}

    def get(self, method: str, query: Mapping[str, str]) -> Node:
        """A read by GET with its fields in the query."""
        path = "/v3/" + method.replace(".", "/")
        data = self.driver.ask("curl", verb="GET", path=path, options={"query": query})
        return {"code": "10000", **data}


MATRIX: tuple[type[Sdk], ...] = (OfficialPython, CommunityPython, Npm, NpmV3)


def snake(node: Mapping[str, Any]) -> Node:
    """Names back from camel case, which npm alipay-sdk makes of them by default."""
    return {re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower(): value for name, value in node.items()}
