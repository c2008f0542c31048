-- A partner's number is also looked for without knowing its scope (lists): it comes before it.
drop index orders.orders_reference;
create unique index orders_reference on orders.orders (partner_id, reference, scope)
    where reference is not null;
