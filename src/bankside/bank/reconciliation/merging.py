"""Three sorted streams merged by reference in one pass; memory is that of one posting."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping

from bankside.bank.reconciliation.errors import ReferenceCrowded
from bankside.bank.reconciliation.model import Record, Source

# A posting has at most 200 legs; three sources may say each twice. More is a broken file.
RECORDS_A_REFERENCE_MAX = 2_000


async def by_reference(
    streams: Mapping[Source, AsyncIterator[Record]],
) -> AsyncIterator[dict[Source, list[Record]]]:
    """All records of each reference by source, references ascending.

    Each stream is sorted by reference (as text). Raises ReferenceCrowded.
    """
    heads: dict[Source, Record] = {}
    for source, stream in streams.items():
        first = await anext(stream, None)
        if first is not None:
            heads[source] = first
    while heads:
        reference = min(head.reference for head in heads.values())
        bundle: dict[Source, list[Record]] = defaultdict(list)
        count = 0
        for source in [each for each in heads if heads[each].reference == reference]:
            head: Record | None = heads[source]
            while head is not None and head.reference == reference:
                bundle[source].append(head)
                count += 1
                if count > RECORDS_A_REFERENCE_MAX:
                    raise ReferenceCrowded(f"{reference} stands in too many records")
                head = await anext(streams[source], None)
            if head is None:
                del heads[source]
            else:
                assert head.reference > reference, "the stream is sorted"
                heads[source] = head
        yield bundle
