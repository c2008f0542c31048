"""Use cases of the passkeys slice; each runs in the caller's transaction."""

from collections.abc import Sequence

import asyncpg
import structlog
from asyncpg import UniqueViolationError
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from bankside.identity import values
from bankside.identity.passkeys import rules, store
from bankside.identity.passkeys.errors import (
    PasskeyInvalid,
    PasskeyKnown,
    PasskeyRefused,
    PasskeysFull,
    PasskeyUnknown,
)
from bankside.identity.passkeys.model import (
    Ceremony,
    Challenge,
    Holder,
    Offer,
    Passkey,
    RelyingParty,
)
from bankside.identity.passkeys.rules import Answer, Proof
from bankside.identity.realms import Realm
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import PasskeyId, is_reference, new_id

RP_NAME = "bankside"
TIMEOUT_MS = int(rules.CHALLENGE_TTL.total_seconds() * 1000)
# Challenges live five minutes; two hours on both sides are kept for clocks that differ.
KEPT_HOURS = 2

_log = structlog.get_logger("security")


async def registration_options(
    db: Connection, clock: Clock, party: RelyingParty, holder: Holder, *, browser: str
) -> str:
    """What ``navigator.credentials.create`` takes, as JSON; its challenge waits five minutes.

    Raises PasskeysFull.
    """
    known = await _room_for_one(db, holder)
    challenge = await _challenge(
        db,
        clock,
        Ceremony.REGISTER,
        (holder.realm, holder.partner, holder.person),
        browser=browser,
    )
    return options_to_json(
        generate_registration_options(
            rp_id=party.id,
            rp_name=RP_NAME,
            user_id=holder.handle,
            user_name=holder.login,
            user_display_name=holder.login,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(known),
            supported_pub_key_algs=rules.ALGORITHMS,
        )
    )


async def register(
    db: Connection, clock: Clock, party: RelyingParty, holder: Holder, offer: Offer
) -> Passkey:
    """The passkey proves the person from now on.

    Raises PasskeyInvalid (for whatever does not fit), PasskeyNameInvalid, PasskeyKnown,
    PasskeysFull.
    """
    name = rules.checked_name(offer.name)
    try:
        told = rules.read_answer(offer.answer)
        asked = await take_challenge(db, clock, told, Ceremony.REGISTER, browser=offer.browser)
    except PasskeyRefused as error:
        raise PasskeyInvalid from error
    whom = (asked.realm, asked.partner, asked.person)
    if whom != (holder.realm, holder.partner, holder.person):
        raise PasskeyInvalid
    key = rules.new_key(told, party, asked.value)
    await _room_for_one(db, holder)
    passkey = Passkey(
        partner=holder.partner,
        id=PasskeyId(new_id("passkey", clock)),
        person=holder.person,
        name=name,
        credential_id=key.credential_id,
        public_key=key.public_key,
        sign_count=key.sign_count,
        transports=told.transports,
        created_at=clock.now(),
        used_at=None,
        flagged_at=None,
    )
    try:
        await store.insert(db, passkey)
    except UniqueViolationError as known:
        raise PasskeyKnown from known
    return passkey


async def sign_in_options(
    db: Connection,
    clock: Clock,
    party: RelyingParty,
    holder: Holder | Realm,
    *,
    browser: str,
) -> str:
    """What ``navigator.credentials.get`` takes, as JSON.

    For a ``Holder`` who has proven a password: one of its passkeys. For a realm: any passkey that
    names its person by itself, with the person verified, because it has to count for both factors.
    """
    if isinstance(holder, Holder):
        whom = (holder.realm, holder.partner, holder.person)
        allowed = await passkeys_of(db, holder.partner, holder.person)
        wish = UserVerificationRequirement.PREFERRED
    else:
        whom, allowed = (holder, "", ""), []
        wish = UserVerificationRequirement.REQUIRED
    return options_to_json(
        generate_authentication_options(
            rp_id=party.id,
            challenge=await _challenge(db, clock, Ceremony.SIGN_IN, whom, browser=browser),
            timeout=TIMEOUT_MS,
            allow_credentials=_descriptors(allowed),
            user_verification=wish,
        )
    )


async def take_challenge(
    db: Connection, clock: Clock, answer: Answer, ceremony: Ceremony, *, browser: str
) -> Challenge:
    """The challenge that this answers; it is used up, whatever comes of it. Or PasskeyRefused."""
    try:
        place = values.place_of(rules.CHALLENGE, answer.challenge.decode("ascii"))
    except UnicodeDecodeError as error:
        raise PasskeyRefused from error
    hashed = rules.browser_hash(browser)
    found = place and await store.take_challenge(db, place, ceremony, hashed, clock.now())
    if not found:
        raise PasskeyRefused
    realm, partner, person = found
    return Challenge(
        value=answer.challenge, ceremony=ceremony, realm=realm, partner=partner, person=person
    )


async def passkey_for(db: Connection, answer: Answer, asked: Challenge) -> Passkey:
    """The passkey that answered, of the person asked or of the one it names. Or PasskeyRefused."""
    partner, _, person = answer.handle.partition("/")
    if asked.person:
        partner, person = asked.partner, asked.person
    if not (is_reference(partner) and is_reference(person)):
        raise PasskeyRefused
    found = await store.by_credential(db, partner, person, answer.credential_id)
    if found is None or found.flagged_at is not None:
        raise PasskeyRefused
    return found


async def counted(db: Connection, clock: Clock, passkey: Passkey, proof: Proof) -> bool:
    """Whether the use counts. False: its counter went back, a copy of it seems to exist.

    It is flagged then and proves nobody any more; the caller commits that and refuses.
    """
    if await store.count_on(db, passkey, proof.sign_count, clock.now()):
        return True
    await store.flag(db, passkey, clock.now())
    _log.warning(
        "passkey_counter_went_back",
        partner=passkey.partner,
        person=passkey.person,
        passkey=passkey.id,
        stored=passkey.sign_count,
        told=proof.sign_count,
    )
    return False


async def passkeys_of(db: Connection, partner: str, person: str) -> Sequence[Passkey]:
    """A person's passkeys, the oldest first."""
    return await store.of_person(db, partner, person, rules.PASSKEYS_MAX)


async def has_passkey(db: Connection, partner: str, person: str) -> bool:
    """Whether a passkey could prove the person."""
    return any(each.flagged_at is None for each in await passkeys_of(db, partner, person))


async def remove_passkey(db: Connection, partner: str, person: str, passkey_id: str) -> None:
    """The passkey proves nobody any more. Raises PasskeyUnknown (also for another person's)."""
    known = is_reference(passkey_id)
    if not known or not await store.remove(db, partner, person, passkey_id):
        raise PasskeyUnknown


async def remove_passkeys(db: Connection, partner: str, person: str) -> None:
    """None of the person's passkeys proves anything any more."""
    await store.remove_all(db, partner, person)


async def forget_challenges(db: Connection, clock: Clock) -> int:
    """Partitions whose challenges have all expired are empty; how many were emptied.

    ``db`` is in no transaction; a partition in use is left for the next run.
    """
    hour = int(clock.now().timestamp()) // values.HOUR_SECONDS
    kept = {(hour + away) % values.SLOTS for away in range(-KEPT_HOURS, KEPT_HOURS + 1)}
    emptied = 0
    for slot in set(range(values.SLOTS)) - kept:
        try:
            emptied += await store.clear_challenges(db, slot)
        except asyncpg.LockNotAvailableError:
            continue
    return emptied


async def _challenge(
    db: Connection,
    clock: Clock,
    ceremony: Ceremony,
    whom: tuple[Realm, str, str],
    *,
    browser: str,
) -> bytes:
    now = clock.now()
    value, place = values.mint(rules.CHALLENGE, now)
    realm, partner, person = whom
    made = Challenge(
        value=value.encode(), ceremony=ceremony, realm=realm, partner=partner, person=person
    )
    life = (now, now + rules.CHALLENGE_TTL)
    await store.put_challenge(db, place, made, rules.browser_hash(browser), life)
    return made.value


async def _room_for_one(db: Connection, holder: Holder) -> Sequence[Passkey]:
    """The person's passkeys, with no other being registered meanwhile. Raises PasskeysFull."""
    await store.lock_person(db, holder.partner, holder.person)
    known = await passkeys_of(db, holder.partner, holder.person)
    if len(known) >= rules.PASSKEYS_MAX:
        raise PasskeysFull
    return known


def _descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    known = {each.value for each in AuthenticatorTransport}
    return [
        PublicKeyCredentialDescriptor(
            id=each.credential_id,
            transports=[AuthenticatorTransport(word) for word in each.transports if word in known],
        )
        for each in passkeys
        if each.flagged_at is None
    ]
