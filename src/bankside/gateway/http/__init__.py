"""HTTP/1.1 on a socket: what arrives is one whole, unambiguous request, or it is refused here.

Always true: bytes that two implementations could read differently never reach the pipeline; the
parser never sees a byte of the next request before this one is answered; every wait and every
buffer has a limit of `limits.Limits`; each answer carries ``x-request-id``.
llhttp (httptools, strict) decides whether a head is well-formed; `head` adds what it lets pass.
Source: RFC 9110 (semantics), RFC 9112 (HTTP/1.1 messages).

Modules: limits, errors, head, body, replies, proxies, incoming, connection.
"""
