-- Opening and changing ledger accounts. Each function raises for a caller's mistake with an SQLSTATE
-- of class LG (bankside.bank.ledger.errors names them), so it can be one write among others.

-- The caller's transaction is the only one that changes anything in the ledger, until it ends.
create function bank.ledger_lock(p_ledger text) returns void
language plpgsql
set search_path = pg_catalog
as $$
begin
    perform from bank.ledger_heads h where h.ledger_id = p_ledger for no key update;
    if not found then
        raise exception 'there is no ledger %', p_ledger using errcode = 'LG002';
    end if;
end
$$;

-- The account stands open. Opening it again with the same attributes changes nothing.
create function bank.ledger_open_account(
    p_ledger text, p_account text, p_partner text, p_class text, p_currency text, p_floor bigint
) returns void
language plpgsql
set search_path = pg_catalog
as $$
declare
    v_opened bank.ledger_accounts;
begin
    perform from bank.ledger_heads h where h.ledger_id = p_ledger;
    if not found then
        raise exception 'there is no ledger %', p_ledger using errcode = 'LG002';
    end if;
    insert into bank.ledger_accounts (ledger_id, account_id, partner_id, class, currency, floor)
    values (p_ledger, p_account, p_partner, p_class, p_currency, p_floor)
    on conflict (ledger_id, account_id) do nothing;
    if found then
        insert into bank.ledger_floors (ledger_id, account_id, after_version, floor)
        values (p_ledger, p_account, 0, p_floor);
        return;
    end if;
    select a.* into v_opened from bank.ledger_accounts a
    where a.ledger_id = p_ledger and a.account_id = p_account;
    if (v_opened.partner_id, v_opened.class, v_opened.currency)
        <> (p_partner, p_class, p_currency) then
        raise exception 'ledger account % is open as % % of %', p_account, v_opened.class,
            v_opened.currency, v_opened.partner_id using errcode = 'LG011';
    end if;
end
$$;

-- The account is open, blocked (for debits) or closed. Closing wants it empty; closed is for ever.
create function bank.ledger_set_status(p_ledger text, p_account text, p_status text)
returns void
language plpgsql
set search_path = pg_catalog
as $$
declare
    v_account bank.ledger_accounts;
begin
    perform bank.ledger_lock(p_ledger);
    select a.* into v_account from bank.ledger_accounts a
    where a.ledger_id = p_ledger and a.account_id = p_account;
    if not found then
        raise exception 'there is no ledger account %', p_account using errcode = 'LG010';
    elsif v_account.status = p_status then
        return;
    elsif v_account.status = 'closed' then
        raise exception 'ledger account % is closed', p_account using errcode = 'LG013';
    elsif p_status = 'closed' and (v_account.balance <> 0 or exists (
        select from bank.ledger_holds h
        where h.ledger_id = p_ledger and h.account_id = p_account and h.rest > 0
    )) then
        raise exception 'ledger account % still has money in it or on hold', p_account
            using errcode = 'LG012';
    end if;
    update bank.ledger_accounts a set status = p_status
    where a.ledger_id = p_ledger and a.account_id = p_account;
end
$$;

-- The account's balance may fall to p_floor (null: without limit) from its next entry on.
create function bank.ledger_set_floor(p_ledger text, p_account text, p_floor bigint)
returns void
language plpgsql
set search_path = pg_catalog
as $$
declare
    v_account bank.ledger_accounts;
begin
    perform bank.ledger_lock(p_ledger);
    select a.* into v_account from bank.ledger_accounts a
    where a.ledger_id = p_ledger and a.account_id = p_account;
    if not found then
        raise exception 'there is no ledger account %', p_account using errcode = 'LG010';
    elsif v_account.floor is not distinct from p_floor then
        return;
    elsif v_account.balance < p_floor or v_account.class = 'hold' then
        raise exception 'ledger account % cannot get the floor %', p_account, p_floor
            using errcode = 'LG014';
    end if;
    insert into bank.ledger_floors (ledger_id, account_id, after_version, floor)
    values (p_ledger, p_account, v_account.version, p_floor);
    update bank.ledger_accounts a set floor = p_floor
    where a.ledger_id = p_ledger and a.account_id = p_account;
end
$$;

-- A chain of its own, beside the main one. Opening it again changes nothing.
create function bank.ledger_open_ledger(p_ledger text) returns void
language sql
set search_path = pg_catalog
as $$
    insert into bank.ledger_heads (ledger_id, hash)
    values (p_ledger, sha256(convert_to('bankside ledger ' || p_ledger, 'UTF8')))
    on conflict (ledger_id) do nothing
$$;

-- The highest version an account had before an instant; 0 before its first entry. booked_at never
-- falls along an account's versions, so it is found by halving: as many look-ups as the version has
-- binary digits, and no further index to keep.
create function bank.ledger_version_before(p_ledger text, p_account text, p_instant timestamptz)
returns bigint
language plpgsql stable
set search_path = pg_catalog
set enable_seqscan = off
as $$
declare
    v_low bigint := 0;
    v_high bigint;
    v_middle bigint;
begin
    select a.version into v_high from bank.ledger_accounts a
    where a.ledger_id = p_ledger and a.account_id = p_account;
    while v_low < v_high loop
        v_middle := (v_low + v_high + 1) / 2;
        if (select e.booked_at from bank.ledger_entries e
            where e.ledger_id = p_ledger and e.account_id = p_account
                and e.version = v_middle) < p_instant then
            v_low := v_middle;
        else
            v_high := v_middle - 1;
        end if;
    end loop;
    return coalesce(v_low, 0);
end
$$;
