"""A branch as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bankside.kernel.ids import BranchId


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A branch: ``code`` is what staff call it, ``region`` the part of the country."""

    id: BranchId
    partner: str
    code: str
    name_zh: str
    name_en: str
    region: str
    facts: Mapping[str, str | int | None] = field(default_factory=dict)
