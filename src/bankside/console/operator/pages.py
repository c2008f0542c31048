"""The list of products, one product with its versions, and what can be done there."""

from functools import partial
from typing import Any

from bankside.catalog import impact, lifecycle
from bankside.catalog.lifecycle import NOTICE_DAYS, State, Terms, Wish
from bankside.console.entry import AnyResponse, Visit, fresh, one
from bankside.console.operator import studio as shown
from bankside.console.operator.studio import Studio
from bankside.console.pages import Look
from bankside.console.people.rights import Caller, caller_of, no_right
from bankside.console.showing import shown_time
from bankside.console.texts import has_text
from bankside.identity.people import people_of
from bankside.identity.realms import BANK
from bankside.kernel.db import Connection, transaction
from bankside.kernel.errors import BanksideError

SEE, PUBLISH = "catalogue.read", "catalogue.publish"
QUERY_MAX = 80
_STATES = tuple(str(each) for each in State)


async def products(visit: Visit, studio: Studio) -> AnyResponse:
    """Every product with the states of its versions; by state and words, a page at a time."""
    caller = await caller_of(visit)
    if caller is None:
        return visit.sent_to(f"{visit.pages.base}/products/login")
    if not caller.may(SEE):
        return no_right(visit, caller, SEE)
    asked = visit.request.query_params
    state = asked.get("state", "") if asked.get("state") in _STATES else ""
    words, after = asked.get("q", "").strip()[:QUERY_MAX], asked.get("after", "")
    async with visit.pages.pool.acquire(timeout=2) as db:
        stored = await lifecycle.versions(db)
        stopped = await lifecycle.suspensions(db)
    found = shown.listed(studio, stored, list(stopped), state=state, words=words)
    page = [each for each in found if each.id > after][: shown.ROWS_A_PAGE + 1]
    return visit.shown(
        "studio_list.html",
        caller=caller,
        products=page[: shown.ROWS_A_PAGE],
        more=page[shown.ROWS_A_PAGE - 1].id if len(page) > shown.ROWS_A_PAGE else "",
        total=len(found),
        counts=shown.counted(studio, stored),
        looks=shown.LOOKS,
        state=state,
        words=words,
    )


async def product(
    visit: Visit, studio: Studio, product_id: str, *, refused: BanksideError | None = None
) -> AnyResponse:
    """One product: who is touched, its versions, what each could do next, and what happened.

    ``refused``: why what the person has just asked for did not happen.
    """
    caller = await caller_of(visit)
    if caller is None:
        return visit.sent_to(f"{visit.pages.base}/products/login")
    if not caller.may(SEE):
        return no_right(visit, caller, SEE)
    clock = visit.pages.clock
    async with transaction(visit.pages.pool) as db:
        versions = await lifecycle.versions_of(db, studio.catalogue, product_id)
        names = await _names(db)
        cards = []
        for number, version in enumerate(versions):
            before = versions[number + 1] if number + 1 < len(versions) else None
            cards.append(
                {
                    "version": version,
                    "since": shown_time(version.changed_at) if version.author else "",
                    "author": names.get(version.author, version.author),
                    "sunset": shown_time(version.sunset_at) if version.sunset_at else "",
                    "changes": shown.changed(studio, version, before) if before else [],
                    "steps": await shown.steps(db, clock, studio, caller.person, version, names),
                    "evidence": await shown.evidence_shown(db, studio, version, names),
                }
            )
        touched = await _impact(db, visit, studio, versions[0])
        history = [shown.moved_shown(each, names) for each in await lifecycle.moves(db, product_id)]
        stopped = (await lifecycle.suspensions(db)).get(product_id)
    return visit.shown(
        "studio_product.html",
        status=refused.status if refused else 200,
        caller=caller,
        product=lifecycle.product_at(studio.catalogue, versions[0], studio.world.kinds),
        cards=cards,
        impact=shown.impact_shown(touched),
        history=history,
        stopped=stopped,
        may_publish=caller.may(PUBLISH),
        looks=shown.LOOKS,
        checks=shown.CHECKS,
        places=shown.PLACES,
        time=shown_time,
        fault=_fault(refused),
        unmet=refused.unmet if isinstance(refused, lifecycle.GateClosed) else (),
        why=partial(shown.sentence, Look(visit.request).lang),
    )


async def move(visit: Visit, studio: Studio, product_id: str) -> AnyResponse:
    """The person agrees to a move."""
    fields = await visit.form()

    async def work(db: Connection, caller: Caller) -> None:
        await lifecycle.move(
            db,
            visit.pages.clock,
            studio.world,
            caller.person,
            _wish(fields),
            product=product_id,
        )

    return await _done(visit, studio, product_id, work)


async def vouch(visit: Visit, studio: Studio, product_id: str) -> AnyResponse:
    """The person vouches for a check of a version."""
    fields = await visit.form()

    async def work(db: Connection, caller: Caller) -> None:
        version = await lifecycle.version_of(db, product_id, _number(fields, "version"))
        word = lifecycle.Word(one(fields, "what"), one(fields, "reference"))
        await lifecycle.vouch(db, visit.pages.clock, studio.world, caller.person, version, word)

    return await _done(visit, studio, product_id, work)


async def stop(visit: Visit, studio: Studio, product_id: str) -> AnyResponse:
    """The product answers nobody, or again."""
    fields = await visit.form()

    async def work(db: Connection, caller: Caller) -> None:
        clock, reason = visit.pages.clock, one(fields, "reason")
        if one(fields, "to") == "suspended":
            await lifecycle.suspend(
                db, clock, studio.catalogue, caller.person, product_id, reason=reason
            )
        else:
            await lifecycle.resume(db, clock, caller.person, product_id, reason=reason)

    return await _done(visit, studio, product_id, work)


async def _done(visit: Visit, studio: Studio, product_id: str, work: Any) -> AnyResponse:
    """Carry a change out for whoever proved both factors just now, and show the product again."""
    caller = await caller_of(visit)
    here = f"{visit.pages.base}/products"
    if caller is None:
        return visit.sent_to(f"{here}/login")
    if not caller.may(SEE):
        return no_right(visit, caller, SEE)
    if not fresh(visit):
        return visit.sent_to(f"{here}/second-factor")
    try:
        async with transaction(visit.pages.pool) as db:
            await work(db, caller)
    except BanksideError as refused:
        if refused.status in {404, 503}:
            raise
        return await product(visit, studio, product_id, refused=refused)
    return visit.sent_to(f"{here}/{product_id}")


def _fault(refused: BanksideError | None) -> str:
    """The text of a refusal; "" without one."""
    if refused is None:
        return ""
    key = f"studio.fault.{refused.code}"
    return key if has_text("en", key) else "studio.fault.other"


def _wish(fields: dict[str, list[str]]) -> Wish:
    """What the form asks; terms that another person fixed are left to them."""
    to = one(fields, "to")
    if to not in _STATES:
        raise lifecycle.MoveRefused
    terms = None
    if not one(fields, "fixed"):
        terms = Terms(
            pilots=tuple(one(fields, "pilots").replace(",", " ").split()),
            share=_number(fields, "share"),
            successor=one(fields, "successor").strip(),
            notice_days=_number(fields, "notice_days") or NOTICE_DAYS,
            confirmed=tuple(fields.get("confirmed", ())),
        )
    return Wish(
        to=State(to),
        reason=one(fields, "reason"),
        terms=terms,
        version=_number(fields, "version") or None,
    )


def _number(fields: dict[str, list[str]], name: str) -> int:
    text = one(fields, name)
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise lifecycle.TermsInvalid
    return int(text)


async def _names(db: Connection) -> dict[str, str]:
    """Names of the bank's people by id; of the first 200, the others stand by their id."""
    return {each.id: each.name for each in (await people_of(db, BANK, limit=200)).items}


async def _impact(
    db: Connection, visit: Visit, studio: Studio, version: lifecycle.ProductVersion
) -> Any:
    catalogue = lifecycle.catalogue_with(studio.world, version)
    return await impact(
        db, visit.pages.clock, catalogue, version.product, in_flight=studio.world.in_flight
    )
