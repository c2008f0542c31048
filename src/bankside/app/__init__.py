"""Wires everything: settings, ports, processes; the only place that knows all rooms.

`serve` starts and supervises the processes; `edge`, `web` and `worker` are what each one runs.
"""
