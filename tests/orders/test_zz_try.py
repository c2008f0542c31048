import secrets, time
from tests.orders.primitive_samples import *
async def test_try(bank):
    samples = {}
    t=time.time()
    with recording(samples):
        for product in covering():
            try:
                await lived(LittleBank(bank.pool, bank.books, bank.clock, bank.orders, f"prt_{secrets.token_hex(8)}"), product)
            except Exception as e:
                print('FAIL', product.id, type(e), e)
            bank.clock.advance(timedelta(days=0))
    print(time.time()-t, len(samples), sorted(set(PRIMITIVES)-set(samples)))
    print({k:len(v) for k,v in samples.items()})
    assert 0
