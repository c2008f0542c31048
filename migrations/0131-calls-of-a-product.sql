-- Which calls of the last 30 days used a product: asked before each of its moves (kernel/metering).
set lock_timeout = '2s';

create index call_records_product on kernel.call_records (product, started_at);
