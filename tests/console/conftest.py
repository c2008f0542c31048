"""The authorization server's world stands behind the customer pages too."""

from tests.identity.fapi.conftest import client, world

__all__ = ["client", "world"]
