"""The pages of solutions: the list, and one with its steps drawn and told.

The drawing is SVG made here, without script or style of its own: layers from top to bottom, a step
below the latest step it waits for. What it shows stands in a table beside it as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from bankside.catalog import Catalogue, Runnable, Solution, SolutionStep
from bankside.catalog.solutions import Asker, Broken, broken
from bankside.console.pages import Look, page
from bankside.console.texts import Language, text

BOX_WIDTH, BOX_HEIGHT = 224, 58
GAP_ACROSS, GAP_DOWN, EDGE = 24, 44, 16
# What fits a box, in half-width columns: its title, and the smaller line under it.
_TITLE_COLUMNS, _UNDER_COLUMNS = 26, 30

AnyRequest = Request[Any, Any, Any]
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """One step as drawn: its place, two lines of text, and how it begins."""

    step: str
    x: int
    y: int
    title: str
    under: str
    by_call: bool
    conditional: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes and the curves between them (SVG path data), with the size of it all."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    curves: tuple[str, ...]


def routes(catalogue: Catalogue, runnable: Runnable) -> list[Any]:
    """The handlers of the two pages."""
    asker = Asker(runnable=runnable)
    faults = {each.id: broken(each, catalogue, asker) for each in catalogue.solutions.values()}

    @get("/solutions")
    async def every(request: AnyRequest) -> Response[str]:
        lang = Look(request).lang
        lines = [_line(each, lang, faults[each.id]) for each in catalogue.solutions.values()]
        return page(request, "solutions.html", solutions=lines)

    @get("/solutions/{solution_id:str}")
    async def one(request: AnyRequest, solution_id: FromPath[str]) -> Response[str]:
        found = catalogue.solutions.get(solution_id)
        if found is None:
            raise NotFoundException
        lang = Look(request).lang
        return page(
            request,
            "solution.html",
            solution=_told(found, catalogue, lang, faults[found.id]),
            drawing=drawing(found, catalogue, lang),
            box=(BOX_WIDTH, BOX_HEIGHT),
        )

    return [every, one]


def drawing(solution: Solution, catalogue: Catalogue, lang: Language) -> Drawing:
    """The steps of a solution in layers."""
    rows = _layers(solution)
    across = max(len(row) for row in rows)
    width = across * BOX_WIDTH + (across - 1) * GAP_ACROSS + 2 * EDGE
    places: dict[str, Place] = {}
    for number, row in enumerate(rows):
        taken = len(row) * BOX_WIDTH + (len(row) - 1) * GAP_ACROSS
        for index, step in enumerate(row):
            x = (width - taken) // 2 + index * (BOX_WIDTH + GAP_ACROSS)
            places[step.id] = (x, EDGE + number * (BOX_HEIGHT + GAP_DOWN))
    boxes = tuple(
        Box(
            step=step.id,
            x=places[step.id][0],
            y=places[step.id][1],
            title=_short(_name(step, catalogue, lang), _TITLE_COLUMNS),
            under=_short(
                text(lang, "solution.until", states=" / ".join(step.until)), _UNDER_COLUMNS
            ),
            by_call=step.trigger == "call",
            conditional=bool(step.conditions),
        )
        for step in solution.steps
    )
    return Drawing(
        width=width,
        height=2 * EDGE + len(rows) * BOX_HEIGHT + (len(rows) - 1) * GAP_DOWN,
        boxes=boxes,
        curves=tuple(
            _curve(places[before], places[step.id], set(places.values()))
            for step in solution.steps
            for before in step.after
        ),
    )


def _layers(solution: Solution) -> list[list[SolutionStep]]:
    """The steps by how many steps one after another come before them at most."""
    depth: dict[str, int] = {}
    left = list(solution.steps)
    while left:
        ready = [each for each in left if all(before in depth for before in each.after)]
        assert ready, "the catalogue's check found no circle"
        for each in ready:
            depth[each.id] = max((depth[before] + 1 for before in each.after), default=0)
        left = [each for each in left if each.id not in depth]
    rows: list[list[SolutionStep]] = [[] for _ in range(max(depth.values()) + 1)]
    for step in solution.steps:
        rows[depth[step.id]].append(step)
    return rows


def _curve(start: Place, end: Place, boxes: set[Place]) -> str:
    """From the lower edge of one box to the upper edge of another, past the boxes in between."""
    x, y = start[0] + BOX_WIDTH // 2, start[1] + BOX_HEIGHT
    to_x, to_y = end[0] + BOX_WIDTH // 2, end[1]
    drawn = f"M{x} {y}"
    for row in range(start[1] + BOX_HEIGHT + GAP_DOWN, to_y, BOX_HEIGHT + GAP_DOWN):
        straight = x + (to_x - x) * (row - y) // (to_y - y)
        lefts = [left for left, top in boxes if top == row]
        gaps = {left - GAP_ACROSS // 2 for left in lefts}
        gaps |= {left + BOX_WIDTH + GAP_ACROSS // 2 for left in lefts}
        through = min(gaps, key=lambda gap: abs(gap - straight))
        drawn += f"{_bend((x, y), (through, row))}V{row + BOX_HEIGHT}"
        x, y = through, row + BOX_HEIGHT
    return drawn + _bend((x, y), (to_x, to_y))


def _bend(start: Place, end: Place) -> str:
    middle = (start[1] + end[1]) // 2
    return f"C{start[0]} {middle} {end[0]} {middle} {end[0]} {end[1]}"


def _short(words: str, columns: int) -> str:
    """The words, cut to what a line holds; Chinese characters are two columns wide."""
    taken = 0
    for index, character in enumerate(words):
        taken += 1 if character.isascii() else 2
        if taken > columns:
            return words[:index].rstrip() + "…"
    return words


def _name(step: SolutionStep, catalogue: Catalogue, lang: Language) -> str:
    """The product's name; of an act, what it does."""
    said = step.does if step.of else catalogue.products[step.product].name
    return str(getattr(said, lang))


def _line(solution: Solution, lang: Language, faults: Sequence[Broken]) -> dict[str, Any]:
    return {
        "id": solution.id,
        "name": getattr(solution.name, lang),
        "description": getattr(solution.description, lang),
        "products": len(solution.products),
        "steps": len(solution.steps),
        "runs": not faults,
    }


def _told(
    solution: Solution, catalogue: Catalogue, lang: Language, faults: Sequence[Broken]
) -> Mapping[str, Any]:
    def say(words: Any) -> str:
        return str(getattr(words, lang))

    return {
        **_line(solution, lang, faults),
        "industries": [say(catalogue.industries[each].name) for each in solution.industries],
        "scenes": [say(catalogue.scenes[each].name) for each in solution.scenes],
        "faults": [str(each) for each in faults],
        "listed": [
            {
                "id": each.id,
                "product": each.product,
                "name": say(catalogue.products[each.product].name),
                "does": say(each.does),
                "after": ", ".join(each.after),
                "trigger": text(lang, f"solution.trigger.{each.trigger}"),
                "when": each.conditions,
                "until": ", ".join(each.until),
                "on_failure": text(lang, f"on_failure.{each.on_failure}"),
                "undo": each.undo.operation if each.undo else "",
                "final": say(each.final) if each.final else "",
            }
            for each in solution.steps
        ],
        "inputs": [
            {
                "name": each.name,
                "label": say(each.label),
                "type": each.field.type,
                "currency": each.currency or "",
                "required": each.field.required,
            }
            for each in solution.inputs
        ],
    }
