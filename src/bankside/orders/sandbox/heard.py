"""How far clocks of data spaces are ahead, as far as one process was told.

The offset comes with the call (the edge has it from its snapshot). A process that moved a clock
itself knows so at once, before its snapshot does: in it, a space's time never goes back.
"""

from datetime import timedelta

from bankside.kernel.caller import Caller

# Clocks this process moved and whose snapshot has not come yet: it comes within seconds.
HEARD_MAX = 10_000


class Clocks:
    """How far the clocks of data spaces are ahead, as far as this process was told."""

    def __init__(self) -> None:
        self._heard: dict[str, timedelta] = {}

    def ahead(self, caller: Caller) -> timedelta:
        """What the snapshot says, or what this process has done since."""
        told = timedelta(seconds=caller.ahead_s)
        if not self._heard:
            return told
        heard = self._heard.get(caller.partner)
        if heard is None:
            return told
        if told >= heard:
            del self._heard[caller.partner]
            return told
        return heard

    def moved(self, space: str, ahead: timedelta) -> None:
        """This process moved the space's clock."""
        if len(self._heard) >= HEARD_MAX:
            self._heard.clear()
        self._heard[space] = ahead
