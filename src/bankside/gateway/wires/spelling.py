"""How each wire spells a refusal: what an answer of it says in place of the native code."""

from bankside.gateway.exchange import Refusal
from bankside.gateway.wires.alipay import method_table
from bankside.gateway.wires.alipay.mapping import code_of
from bankside.gateway.wires.alipay.v3 import v3_code
from bankside.gateway.wires.icbc.codes import return_code
from bankside.kernel.errors import BanksideError


def spelled(wire: str, error: BanksideError) -> str:
    """Status and code natively; ``return_code``; ``code sub_code``; status and code of v3."""
    refusal = Refusal.of(error)
    if wire == "native":
        return f"{refusal.status} {refusal.code}"
    if wire == "icbc":
        return str(return_code(refusal))
    code = code_of(method_table(), None, refusal)
    if wire == "alipay":
        return f"{code.code} {code.sub_code}".rstrip()
    return " ".join(map(str, v3_code(code, refusal)))
