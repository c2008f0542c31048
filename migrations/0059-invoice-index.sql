-- Invoices are looked up by their number: somebody presents one as the paper behind a receivable.
create schema if not exists orders;

set lock_timeout = '2s';
create index orders_of_invoice on orders.orders (partner_id, (book -> 'invoice' ->> 'invoice_no'))
    where book ? 'invoice';
