"""The drawing of a solution: every step has a place of its own, below what it waits for."""

import pytest

from bankside.catalog import load
from bankside.console.solutions import BOX_HEIGHT, BOX_WIDTH, drawing
from bankside.console.texts import LANGUAGES, Language


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("solution_id", sorted(load().solutions))
def test_steps_are_drawn_below_what_they_wait_for_and_never_on_each_other(
    solution_id: str, lang: Language
) -> None:
    solution = load().solutions[solution_id]

    drawn = drawing(solution, load(), lang)

    boxes = {each.step: each for each in drawn.boxes}
    assert boxes.keys() == {each.id for each in solution.steps}
    assert len(drawn.curves) == sum(len(each.after) for each in solution.steps)
    for one in boxes.values():
        assert 0 <= one.x <= drawn.width - BOX_WIDTH and 0 <= one.y <= drawn.height - BOX_HEIGHT
        assert one.title and one.under
        for other in boxes.values():
            apart = abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT
            assert one is other or apart
    for step in solution.steps:
        for before in step.after:
            assert boxes[step.id].y > boxes[before].y + BOX_HEIGHT
