-- Who banks where: branches and customers of a data space (partner_id leads every key).
create schema if not exists bank;

create table bank.branches (
    partner_id text not null,
    branch_id text not null,
    code text not null,
    name_zh text not null,
    name_en text not null,
    region text not null,
    facts jsonb not null default '{}',
    primary key (partner_id, branch_id),
    constraint branches_code unique (partner_id, code)
);

-- resident_id is C2 (JR/T 0171-2020): never logged, masked on display.
create table bank.customers (
    partner_id text not null,
    customer_id text not null,
    kind text not null check (kind in ('retail', 'corporate')),
    name_zh text not null,
    name_en text not null,
    resident_id text,
    credit_code text,
    birth_date date,
    branch_id text,
    facts jsonb not null default '{}',
    created_at timestamptz not null,
    primary key (partner_id, customer_id),
    foreign key (partner_id, branch_id) references bank.branches,
    constraint customers_resident_id unique (partner_id, resident_id),
    constraint customers_credit_code unique (partner_id, credit_code),
    constraint customers_papers_of_their_kind check (
        case kind when 'retail' then credit_code is null
                  else resident_id is null and birth_date is null end
    )
);
