"""Refusals of the standing orders slice."""

from bankside.kernel.errors import Invalid


class StandingOrderInvalid(Invalid):
    """The standing order's amount, currency or frequency cannot be."""

    code = "standing_order.invalid"
