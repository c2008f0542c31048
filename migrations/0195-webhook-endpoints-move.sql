-- A reset gives a sandbox app another space; where it wants to be told moves along (`partners`).
set lock_timeout = '5s';

alter table partners.webhook_keys
    drop constraint webhook_keys_partner_id_endpoint_id_fkey,
    add constraint webhook_keys_of_endpoint foreign key (partner_id, endpoint_id)
        references partners.webhook_endpoints on delete cascade on update cascade;
