"""Individual income tax kept back from pay for services, one settlement at a time.

Source: State Taxation Administration announcement 2018 no. 61, annex 2, table 2 (labour
remuneration): up to 4,000.00 an allowance of 800.00, above it one of 20 %; 20 % of what is left up
to 20,000.00, 30 % less 2,000.00 up to 50,000.00, 40 % less 7,000.00 above. Rounded half-up to a
cent. The cumulative method over a year is not applied: the platform sees single settlements.
"""

_ALLOWANCE_UP_TO, _ALLOWANCE = 400_000, 80_000
# Taxable income up to (minor units), rate in per cent, quick deduction.
_BANDS = ((2_000_000, 20, 0), (5_000_000, 30, 200_000), (None, 40, 700_000))


def withheld(gross_minor: int) -> int:
    """The tax on one payment for services, in minor units of CNY."""
    # In fifths of a minor unit: the allowance of 20 % is then exact.
    if gross_minor <= _ALLOWANCE_UP_TO:
        taxable = 5 * max(gross_minor - _ALLOWANCE, 0)
    else:
        taxable = 4 * gross_minor
    for ceiling, percent, deduction in _BANDS:
        if ceiling is None or taxable <= 5 * ceiling:
            exact = taxable * percent - 500 * deduction
            return (2 * exact + 500) // 1_000
    raise AssertionError("the last band has no ceiling")
