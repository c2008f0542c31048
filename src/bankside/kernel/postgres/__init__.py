"""PostgreSQL for this installation: our own launcher of the embedded build, or somebody's server.

Always true: durability is on (``fsync``, ``full_page_writes``, ``synchronous_commit``) or nothing
starts; one process owns an embedded server, others of the same home use it; when its owner dies,
by whatever signal, the server stops. The embedded build listens on loopback only, without TLS.

Public: database, EmbeddedPostgres, PostgresFault, PostgresTaken, PostgresUnfit, check_external.
"""

from bankside.kernel.postgres.database import check_external, database
from bankside.kernel.postgres.errors import PostgresFault, PostgresTaken, PostgresUnfit
from bankside.kernel.postgres.server import EmbeddedPostgres

__all__ = [
    "EmbeddedPostgres",
    "PostgresFault",
    "PostgresTaken",
    "PostgresUnfit",
    "check_external",
    "database",
]
