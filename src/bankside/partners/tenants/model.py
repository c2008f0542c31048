"""A tenant as a value."""

from dataclasses import dataclass
from datetime import datetime

from bankside.kernel.ids import PartnerId, TenantId
from bankside.partners.partners import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A partner's customer, for whom the partner's apps act."""

    id: TenantId
    partner: PartnerId
    name_zh: str
    name_en: str
    status: Status
    created_at: datetime
