"""Refusals of the catalogue."""

from bankside.kernel.errors import NotFound


class ProductUnknown(NotFound):
    """The catalogue has no such product."""

    code = "product.not_found"
