"""Decisions: what a customer answers on our pages, carried out on consents and grants at once.

Always true: consents and the grant they stand for begin in one transaction; a grant ends when its
last consent is taken back; a double click gets the first answer again and decides nothing twice.
The consents slice knows no authorization server; this one joins the two.

Public: Ask, asks_of, Decision, approve, refuse, approve_waiting, refuse_waiting (for requests from
elsewhere, `identity.backchannel`), remember_answer, answer_again,
take_back, give_back, give_back_grant, forget_answers.
"""

from bankside.identity.decisions.asking import Ask, asks_of
from bankside.identity.decisions.service import (
    Decision,
    answer_again,
    approve,
    approve_waiting,
    forget_answers,
    give_back,
    give_back_grant,
    refuse,
    refuse_waiting,
    remember_answer,
    take_back,
)

__all__ = [
    "Ask",
    "Decision",
    "answer_again",
    "approve",
    "approve_waiting",
    "asks_of",
    "forget_answers",
    "give_back",
    "give_back_grant",
    "refuse",
    "refuse_waiting",
    "remember_answer",
    "take_back",
]
