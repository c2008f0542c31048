"""The data plane: receives partner calls, checks, limits, executes or forwards, signs, records.

Imports the kernel only; whatever executes an operation comes in through a port (`ports.py`).
The stages of a call are listed once, in `pipeline.py`; bytes are read and written in `server.py`;
each dialect is one module in `wires/`.
"""
