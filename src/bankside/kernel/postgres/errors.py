"""Why there is no database: told to the operator who starts the platform, never to a caller."""


class PostgresFault(Exception):
    """PostgreSQL could not be started, reached or stopped; the text says what to do."""


class PostgresTaken(PostgresFault):
    """The folder or the port that was asked for belongs to another running instance."""


class PostgresUnfit(PostgresFault):
    """A server was reached, but it may not hold a bank's books (too old, or not durable)."""
