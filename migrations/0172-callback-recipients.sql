-- Callbacks are queued for the address their order names, by the order's own commit: nothing that
-- fits a type is added any more. What waits for a partner's old queue goes out from there.
update kernel.outbox_consumers set types = '{}' where starts_with(name, 'notify:');
