"""A bank's own APIs, imported from their OpenAPI description and forwarded by the edge.

Always true: a description is carried over or refused with line and rule, and what it holds and an
import does not is listed; an import is a draft until people have read, confirmed and moved it; the
edge forwards only what stands in a confirmed review. Source: catalogue guide section 8.

Public: describe, propose, figures, review_text, read_review, set_name, Described, Finding, Review;
take_description, take_review, Taken, Change, changes, set_credential, imported, Import,
mismatches, note_mismatch; upstreams_of; ForwardedKeys, forget_keys; the refusals of ``errors``.
The life cycle's part is in ``definition``.
"""

from bankside.catalog.imports.describing import describe
from bankside.catalog.imports.difference import Change, changes
from bankside.catalog.imports.errors import (
    DescriptionRefused,
    ImportNameTaken,
    ImportUnknown,
    ReviewInvalid,
)
from bankside.catalog.imports.keys import ForwardedKeys, forget_keys
from bankside.catalog.imports.model import Described, Finding
from bankside.catalog.imports.naming import set_name
from bankside.catalog.imports.proposing import Review, figures, propose
from bankside.catalog.imports.review import read_review, review_text
from bankside.catalog.imports.service import (
    Taken,
    imported,
    set_credential,
    take_description,
    take_review,
    upstreams_of,
)
from bankside.catalog.imports.store import Import, mismatches, note_mismatch

__all__ = [
    "Change",
    "Described",
    "DescriptionRefused",
    "Finding",
    "ForwardedKeys",
    "Import",
    "ImportNameTaken",
    "ImportUnknown",
    "Review",
    "ReviewInvalid",
    "Taken",
    "changes",
    "describe",
    "figures",
    "forget_keys",
    "imported",
    "mismatches",
    "note_mismatch",
    "propose",
    "read_review",
    "review_text",
    "set_credential",
    "set_name",
    "take_description",
    "take_review",
    "upstreams_of",
]
