-- Call records, one row a call (kernel/metering). '' stands for "not known when the call ended".
create schema if not exists kernel;

create table kernel.call_records (
    request_id text not null,
    started_at timestamptz not null,
    duration_us bigint not null,
    partner_id text not null,
    tenant_id text not null,
    psu_id text not null,
    app_id text not null,
    key_id text not null,
    wire text not null,
    operation text not null,
    product text not null,
    solution text not null,
    branch text not null,
    version bigint not null,
    arm text not null,
    order_id text not null,
    trace text not null,
    status bigint not null,
    code text not null,
    outcome text not null,
    stage text not null,
    bytes_in bigint not null,
    bytes_out bigint not null,
    risk_tier text not null,
    data_class text not null,
    environment text not null,
    -- Also what makes a record that was written twice, by an unsure disk, count once.
    primary key (partner_id, started_at, request_id)
) partition by range (started_at);

create index call_records_request on kernel.call_records (request_id);
create index call_records_recent on kernel.call_records (started_at desc);

-- How far each segment file of each edge process was shipped; moves with the rows it counts.
create table kernel.segments_shipped (
    worker text not null,
    segment bigint not null,
    shipped_to bigint not null default 0,
    shipped_at timestamptz not null default now(),
    primary key (worker, segment)
);
