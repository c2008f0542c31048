"""The numbers of the HTTP server, each with its reason; frozen, so a test hands in smaller ones."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bytes, counts and seconds. Timers look once per ``tick_s`` and never fire early."""

    # A signed request of the longest wire has about 2 kB of headers; proxies stop at 8 to 16 kB.
    head_max: int = 16 * KIB
    # The busiest partner SDK sends 25 fields; a proxy chain adds about ten.
    fields_max: int = 64
    # Alipay-style GET calls carry everything in the query; 8 kB is what clients and proxies take.
    target_max: int = 8 * KIB
    # A JSON order with 200 lines is about 100 kB; only file operations need more.
    body_default: int = MIB
    # The largest file operation of the catalogue. No operation can ask for more.
    body_max: int = 16 * MIB
    # Up to here a body is read without asking the route table: the look-up costs more than it
    # protects. No operation's limit is smaller.
    body_free: int = 16 * KIB
    # What a chunked body may add in chunk sizes, extensions and trailers.
    chunk_overhead: int = 16 * KIB
    # All half-received bodies of a worker together: 10,000 times 1 MB must not be possible.
    buffered_max: int = 256 * MIB

    # From the first byte of a head to its end: a phone on a bad line needs under 3 s.
    head_s: float = 10.0
    # A body must be complete within body_s, and after body_grace_s keep a mean of body_rate B/s.
    body_s: float = 30.0
    body_grace_s: float = 5.0
    body_rate: int = KIB
    # Longer than the 60 s for which most balancers keep an idle connection, so they close first.
    idle_s: float = 75.0
    # An answer the peer has not read after this long will not be read.
    answer_s: float = 30.0
    # The net under the operations' own deadlines (10 s): no call holds a connection for ever.
    call_s: float = 60.0
    # Half-closed after a refusal: how long and how many bytes are read, so that no reset
    # overtakes the answer.
    linger_s: float = 1.0
    linger_max: int = 64 * KIB
    # Calls in flight may finish for this long after SIGTERM (orchestrators kill at 30 s).
    stop_s: float = 25.0
    tick_s: float = 1.0

    # Connections of a worker; an idle one costs 2 kB here and about as much in the kernel.
    connections_max: int = 10_000
    # From one address; configured proxies and Unix sockets are exempt, they speak for many.
    connections_per_source: int = 500
    # Unsent bytes at which a connection is neither read nor parsed until the peer reads again.
    write_high: int = 256 * KIB
    # Waiting in the kernel to be accepted: one second of new connections.
    backlog: int = 2048
