-- An endpoint that was made for a tenant is told of that tenant's orders only.
alter table partners.webhook_endpoints
    -- Null: the partner's own, told of all of its tenants' orders too.
    add column tenant_id text;
alter table partners.webhook_endpoints
    add foreign key (partner_id, tenant_id) references partners.tenants;
