"""A customer as a value, and what is needed to register one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from bankside.kernel.ids import BranchId, CustomerId


class CustomerKind(StrEnum):
    """A person or an organisation."""

    RETAIL = "retail"
    CORPORATE = "corporate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What somebody brings to become a customer; ``id`` only when a loader derives it."""

    kind: CustomerKind
    name_zh: str
    name_en: str
    resident_id: str | None = field(default=None, repr=False)
    credit_code: str | None = None
    birth_date: date | None = field(default=None, repr=False)
    branch: BranchId | None = None
    id: CustomerId | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer of a data space. ``resident_id`` is C2 data: use the mask to show it."""

    id: CustomerId
    partner: str
    kind: CustomerKind
    name_zh: str
    name_en: str
    resident_id: str | None = field(default=None, repr=False)
    credit_code: str | None = None
    birth_date: date | None = field(default=None, repr=False)
    branch: BranchId | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime
