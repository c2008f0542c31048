"""What a caller sees of runs and solutions: one view with every branch, its order and its money."""

from collections.abc import Mapping, Sequence
from typing import Any

from bankside.catalog import Solution, SolutionStep
from bankside.catalog.solutions import Broken
from bankside.kernel.clock import rfc3339
from bankside.orders.solutions.model import Branch, Run

Answers = Mapping[str, Mapping[str, Any]]


def run_shown(run: Run, answers: Answers) -> dict[str, Any]:
    """The whole run; ``answers`` are the present orders of its branches, by step."""
    return {
        **_head(run),
        "branches": [
            _branch(run, step, run.branch(step.id), answers.get(step.id))
            for step in run.solution.steps
        ],
    }


def run_listed(run: Run) -> dict[str, Any]:
    """A run in a list: how many branches stand where."""
    counts: dict[str, int] = {}
    for branch in run.branches:
        counts[branch.state.value] = counts.get(branch.state.value, 0) + 1
    return {**_head(run), "branch_counts": counts}


def solution_shown(solution: Solution, own: bool, faults: Sequence[Broken]) -> dict[str, Any]:
    """A solution with its inputs, steps and, when it cannot run for the caller, why."""
    return {
        **solution_listed(solution, own, runnable=not faults),
        "inputs": [
            {
                "name": each.name,
                "type": each.field.type,
                "required": each.field.required,
                "currency": each.currency,
                "label": _text(each.label),
            }
            for each in solution.inputs
        ],
        "steps": [
            {
                "step": each.id,
                "product": each.product,
                "operation": each.operation,
                "does": _text(each.does),
                "after": list(each.after),
                "trigger": each.trigger,
                "when": list(each.conditions),
                "until": list(each.until),
                "on_failure": each.on_failure,
                "undo": each.undo.operation if each.undo else None,
                "final": _text(each.final) if each.final else None,
            }
            for each in solution.steps
        ],
        "faults": [fault_shown(each) for each in faults],
    }


def solution_listed(solution: Solution, own: bool, *, runnable: bool) -> dict[str, Any]:
    """A solution in a list; ``own``: installed for the caller's partner alone."""
    return {
        "solution": solution.id,
        "name": _text(solution.name),
        "description": _text(solution.description),
        "products": list(solution.products),
        "own": own,
        "runnable": runnable,
    }


def fault_shown(broken: Broken) -> dict[str, str]:
    """A broken link as refusals carry it."""
    return {"pointer": broken.pointer, "code": broken.code, "detail": broken.detail}


def _head(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "run_no": run.number,
        "solution": run.solution.id,
        "state": run.state.value,
        "code": run.code,
        "created_at": rfc3339(run.created_at),
        "updated_at": rfc3339(run.updated_at),
    }


def _branch(
    run: Run, step: SolutionStep, branch: Branch, answer: Mapping[str, Any] | None
) -> dict[str, Any]:
    found = answer or {}
    return {
        "step": step.id,
        "product": step.product,
        "operation": step.operation,
        "does": _text(step.does),
        "after": list(step.after),
        "state": branch.state.value,
        "order": branch.order,
        "order_state": found.get("state"),
        "order_status": found.get("status"),
        "amount": found.get("amount"),
        "paid": found.get("paid"),
        "waits_for": branch.waits_for,
        "code": branch.code,
        "detail": branch.detail,
        "undone_by": branch.undone_by,
    }


def _text(text: Any) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
