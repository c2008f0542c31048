-- Where an app's payers may be sent back to from a hosted page (room `partners`).
set lock_timeout = '5s';

create table partners.return_addresses (
    partner_id text not null,
    app_id text not null,
    -- Scheme, host, port and the beginning of the path; no query, no fragment.
    address text not null check (address <> ''),
    created_at timestamptz not null,
    primary key (partner_id, app_id, address),
    constraint return_addresses_of_app foreign key (partner_id, app_id)
        references partners.apps on update cascade
);
