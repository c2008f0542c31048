"""The dialects: one module or folder each, all with the interface `ports.Wire`.

A wire knows no product, and no product knows a wire.
"""
