"""People: the staff of the bank and the users of partners, their roles, and how they begin.

Always true: a person belongs to one realm and one space for good; nobody sees or changes a person
of another space; who is invited sets password and authenticator by a link that works once and for
24 hours; who is blocked has no session and gets none; every change publishes an event.

Public: NewPerson, Person, Enrolment, Chosen; create_person, invite, enrolment_of, enrol, equip;
person_of, person_with, people_of; set_roles, block_person, unblock_person; the refusals of
``errors``.
"""

from bankside.identity.people.errors import (
    EnrolmentCodeWrong,
    EnrolmentUnknown,
    PersonInvalid,
    PersonKnown,
    PersonSelf,
    PersonUnknown,
)
from bankside.identity.people.model import Chosen, Enrolment, NewPerson, Person
from bankside.identity.people.service import (
    block_person,
    create_person,
    enrol,
    enrolment_of,
    equip,
    invite,
    people_of,
    person_of,
    person_with,
    set_roles,
    unblock_person,
)

__all__ = [
    "Chosen",
    "Enrolment",
    "EnrolmentCodeWrong",
    "EnrolmentUnknown",
    "NewPerson",
    "Person",
    "PersonInvalid",
    "PersonKnown",
    "PersonSelf",
    "PersonUnknown",
    "block_person",
    "create_person",
    "enrol",
    "enrolment_of",
    "equip",
    "invite",
    "people_of",
    "person_of",
    "person_with",
    "set_roles",
    "unblock_person",
]
