"""Every request of the byte corpus: right answer, right calls, however the bytes are cut."""

from collections.abc import Iterator

import pytest
from tests.gateway.http.corpus import ACCEPTED, BODY_ON_GET, REFUSED, Case
from tests.gateway.http.rig import LiveServer, Rig, live

ALL = ACCEPTED + REFUSED + BODY_ON_GET
LONGEST_CUT_EVERYWHERE = 600


def outcome(rig: Rig) -> tuple[list[int], list[str], list[str]]:
    answers = rig.answers()
    calls = [f"{x.method} {x.path} {x.query} {len(x.body)}" for x in rig.calls]
    return [each.status for each in answers], [each.code for each in answers], calls


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_a_request_gets_the_answer_its_bytes_deserve(case: Case) -> None:
    rig = Rig().send(case.sent)

    statuses, codes, calls = outcome(rig)

    assert tuple(statuses) == case.statuses
    assert tuple(calls) == case.calls
    if case.code:
        assert codes == [case.code]
        assert rig.transport.ended, "a refused connection is not used again"
        assert rig.answers()[0].headers["connection"] == "close"


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_bytes_cut_anywhere_give_the_same_result(case: Case) -> None:
    whole = outcome(Rig().send(case.sent))
    step = 1 if len(case.sent) <= LONGEST_CUT_EVERYWHERE else 97

    for cut in range(1, len(case.sent), step):
        assert outcome(Rig().send(case.sent[:cut], case.sent[cut:])) == whole, f"cut at {cut}"
    singles = [case.sent[at : at + 1] for at in range(len(case.sent))]
    assert outcome(Rig().send(*singles)) == whole, "byte by byte"


@pytest.fixture(scope="module")
def running() -> Iterator[LiveServer]:
    with live() as server:
        yield server


@pytest.mark.parametrize("case", ACCEPTED + REFUSED, ids=lambda case: case.name)
def test_the_same_holds_on_a_real_socket(running: LiveServer, case: Case) -> None:
    running.calls.clear()
    heads = [at for at, call in enumerate(case.calls) if call.startswith("HEAD ")]

    answers = running.talk(case.sent, bare=heads)

    calls = [f"{x.method} {x.path} {x.query} {len(x.body)}" for x in running.calls]
    assert tuple(each.status for each in answers) == case.statuses
    assert tuple(calls) == case.calls
