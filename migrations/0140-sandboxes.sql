-- Data spaces of sandbox apps (room `partners`). A space is a partner id of its own (`sbx_...`):
-- whatever keeps partners apart keeps spaces apart. A reset gives the app another space; what the
-- old one holds stays where it is, because books are never shortened, and nobody reaches it.
set lock_timeout = '5s';

create table partners.sandboxes (
    space_id text primary key references partners.partners,
    -- Who signed the contract.
    parent_id text not null references partners.partners,
    app_id text not null,
    -- How far the space's clock is ahead of the bank's. It never goes back: a reset begins anew.
    ahead_seconds bigint not null default 0 check (ahead_seconds between 0 and 1577880000),
    version bigint not null default 1,
    created_at timestamptz not null,
    -- The space that a reset put in its place.
    replaced_by text references partners.partners
);
create unique index sandboxes_app on partners.sandboxes (app_id) where replaced_by is null;
create index sandboxes_ahead on partners.sandboxes (space_id)
    where replaced_by is null and ahead_seconds > 0;

-- An app moves into its space, and what is registered for it moves along.
alter table partners.app_keys
    drop constraint app_keys_partner_id_app_id_fkey,
    add constraint app_keys_of_app foreign key (partner_id, app_id)
        references partners.apps on update cascade;
alter table partners.answer_keys
    drop constraint answer_keys_partner_id_app_id_fkey,
    add constraint answer_keys_of_app foreign key (partner_id, app_id)
        references partners.apps on update cascade;
alter table partners.subscriptions
    drop constraint subscriptions_partner_id_app_id_fkey,
    add constraint subscriptions_of_app foreign key (partner_id, app_id)
        references partners.apps on update cascade;
