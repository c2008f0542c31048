-- How many orders of a product still run: asked before each of its moves (room `orders`).
set lock_timeout = '2s';

create index orders_in_flight on orders.orders (product, product_version)
    where state not in ('completed', 'refused', 'compensated', 'expired');
