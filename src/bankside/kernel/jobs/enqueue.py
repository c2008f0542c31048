"""Asking for a job: one row, written with the caller's own transaction."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from bankside.kernel.db import Write

# The queue library's own statement ("enqueue, skip when the key waits"), written down so that a
# process which only asks for jobs need not load the library; a test compares the two.
ENQUEUE_SQL = """
WITH input AS MATERIALIZED (
    -- MATERIALIZED: nextval is volatile and `input` is referenced twice,
    -- so pin single evaluation -- each input row gets exactly one id.
    -- The scalar sub-select resolves the sequence name once (InitPlan)
    -- rather than a catalog lookup per row.
    -- Skipped ON CONFLICT rows leave harmless id gaps; a pre-count CTE
    -- could avoid them but isn't worth the extra pass.
    SELECT
        nextval(
            (SELECT pg_get_serial_sequence('kernel.jobs', 'id'))
        ) AS id,
        priority, entrypoint, payload, execute_after, dedupe_key, headers, ord
    FROM UNNEST(
        $1::int[], $2::text[], $3::bytea[],
        $4::interval[], $5::text[], $6::jsonb[]
    ) WITH ORDINALITY AS
        t(priority, entrypoint, payload, execute_after, dedupe_key, headers, ord)
),
inserted AS (
    INSERT INTO kernel.jobs AS job
    (id, priority, entrypoint, payload, execute_after, dedupe_key, headers, status)
    SELECT id, priority, entrypoint, payload, execute_after + NOW(),
        dedupe_key, headers, 'queued'
    FROM input
    ON CONFLICT (dedupe_key)
        WHERE ((status = ANY (ARRAY['queued'::kernel.job_status, 'picked'::kernel.job_status]))
            AND (dedupe_key IS NOT NULL))
        DO NOTHING
    RETURNING id, entrypoint, priority, dedupe_key
),
logged AS (
    INSERT INTO kernel.jobs_log
    (job_id, status, entrypoint, priority)
    SELECT id, 'queued', entrypoint, priority
    FROM inserted
    -- A job whose priority was updated was queued before; log new jobs only.
    WHERE id IN (SELECT id FROM input)
)
-- Join maps each surviving id back to its input ordinal. Rows skipped by
-- ON CONFLICT are absent from `inserted`, so their positions never appear.
SELECT i.ord AS ord, ins.id AS id
FROM inserted ins
JOIN input i ON i.id = ins.id
ORDER BY i.ord
"""


def enqueue(
    name: str,
    payload: Mapping[str, Any],
    *,
    dedupe_key: str | None,
    after: timedelta = timedelta(0),
) -> Write:
    """The job that exists when the caller's transaction commits, due ``after`` that.

    ``payload`` is JSON. A second job with the same ``dedupe_key`` is not made while the first one
    waits *or runs*, and a running one may have read the rows before yours: so the key names the
    occasion (``ord_1:7``, the order and its version), never only the object.
    """
    encoded = msgspec.json.encode(payload)
    return Write(ENQUEUE_SQL, ([0], [name], [encoded], [after], [dedupe_key], [None]))
