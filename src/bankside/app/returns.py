"""Signs the payer's way back to the shop, in the dialect in which the shop had ordered the page.

Always true: the address is the one the partner's signed request named; what it says is the order's
state at that instant, under a key of the bank that the partner's SDK already trusts.
"""

from dataclasses import dataclass, field

from bankside.gateway.callbacks import Fact, alipay_return, icbc_return, native_return
from bankside.identity.messages import answer_token
from bankside.identity.signing_keys import Minter
from bankside.kernel.call import Callback
from bankside.kernel.clock import Clock
from bankside.kernel.db import POOL_ACQUIRE_SECONDS, Pool, transaction
from bankside.kernel.ids import PartnerId
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import Signer, signer
from bankside.kernel.signing.alipay import SIGN_TYPES
from bankside.orders import PageState, PaymentPage, order_facts
from bankside.partners import private_key, wire_keys

# Keys of the bank times digests; far above what it keeps.
_SIGNERS_MAX = 64
# Of an order nobody can pay any more its dialect says that it is closed, before a worker closes it.
_STATUS = {PageState.EXPIRED: "closed"}


@dataclass
class Returns:
    """Where payers go back to: the checkout pages' ``WayBack``."""

    pool: Pool
    clock: Clock
    vault: Vault
    issuer: str
    _signers: dict[tuple[str, str], Signer] = field(default_factory=dict)

    async def address(self, page: PaymentPage) -> str:
        """The page's return address with signed parameters."""
        back, order = page.return_to, page.order
        assert back is not None, "asked for where there is a way back"
        told = {**order_facts(order), "status": _STATUS.get(page.state, order.status)}
        if back.wire == "native":
            return await self._native(back, page, told)
        fact = Fact(
            id=order.id, name=str(told["status"]), app=order.app, order=told, at=self.clock.now()
        )
        if back.wire == "icbc":
            return icbc_return(fact, back, await self._signer(order.partner, order.app, back))
        return alipay_return(fact, back, await self._signer(order.partner, order.app, back))

    async def _native(self, back: Callback, page: PaymentPage, told: dict[str, object]) -> str:
        order = page.order
        named = {"order": order.id, "order_no": order.reference or ""}
        answer = {**named, "status": str(told["status"]), "amount": str(page.amount)}
        answer |= {"currency": order.currency, "product": order.product}
        async with transaction(self.pool) as db:
            minter = Minter(self.vault, self.issuer)
            token = await answer_token(db, self.clock, minter, order.app, answer)
        return native_return(back, named, token)

    async def _signer(self, partner: str, app: str, back: Callback) -> Signer:
        """The bank's signer under the dialect's digest, parsed once: RSA keys take their time."""
        async with self.pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db:
            key = (await wire_keys(db, self.clock, PartnerId(partner), app, back.wire)).bank
        # The ICBC-style SDKs verify nothing but SHA-1; the others what their request was signed by.
        alg = "rsa-sha1" if back.wire == "icbc" else SIGN_TYPES[back.repeats["sign_type"]]
        if (key.id, alg) not in self._signers:
            if len(self._signers) >= _SIGNERS_MAX:
                self._signers.clear()
            self._signers[key.id, alg] = signer(alg, private_key(self.vault, key))
        return self._signers[key.id, alg]
