-- One call books one batch: many groups, each accepted or refused for itself, sealed in the chain.
--
-- Arguments are columns. p_accounts names every account once and legs name accounts by position in
-- it (0 in a release of all that is left: the accounts are those of the hold). p_hold_ids names every hold once and
-- groups name theirs by position (0: none). Group ids are distinct; p_first is the position of a
-- group's first leg, and its legs stand together.
-- p_acts: 0 transfer, 1 place a hold, 2 capture from a hold, 3 release what is left of a hold.
--
-- Answers the seq and hash of the batch (null: nothing was written) and for each group the reason
-- of its refusal (null: accepted), whether that verdict is a stored one, and the request hash it
-- was stored under. p_seal: write a batch row even when no group is new.
--
-- One lock, held until the transaction ends: the head of the chain. Whatever changes an account
-- (0012) takes it too, so what is read behind it stays true: neither floors nor holds nor repeated
-- groups can race, and there is no second lock to deadlock with.
--
-- Plans are cached for the life of a session, and one made while the tables were small must not
-- scan them when they are large: every table is reached through an index or a row address only
-- (LATERAL ... LIMIT 1, ctid), and the planner may not choose otherwise.
create function bank.ledger_post_batch(
    p_ledger text, p_at timestamptz, p_seal boolean,
    p_groups uuid[], p_first integer[], p_kinds text[], p_narratives text[], p_hashes bytea[],
    p_value_dates date[], p_acts smallint[], p_group_holds integer[], p_expires timestamptz[],
    p_hold_ids uuid[], p_accounts text[],
    p_leg_groups integer[], p_debits integer[], p_credits integer[], p_amounts bigint[],
    p_currencies text[],
    out batch bigint, out hash bytea, out reasons text[], out repeats boolean[],
    out stored_hashes bytea[]
)
language plpgsql
set search_path = pg_catalog
set datestyle = 'ISO, YMD'
set enable_seqscan = off
as $$
declare
    -- Balances keep this far from the ends of bigint; one amount is at most 10^15.
    c_balance_max constant bigint := 9000000000000000000;
    v_legs constant integer := cardinality(p_leg_groups);
    -- Accounts, by position in p_accounts; all null for an account that does not exist.
    a_rows tid[];
    a_currencies text[];
    a_states text[];
    a_classes text[];
    a_floors bigint[];
    a_balances bigint[];
    a_versions bigint[];
    a_versions_before bigint[];
    -- Holds, by position in p_hold_ids; their two accounts by position in p_accounts.
    h_holders integer[];
    h_accounts integer[];
    h_currencies text[];
    h_expires timestamptz[];
    h_rests bigint[];
    h_amounts bigint[];  -- of holds placed in this batch only
    -- Legs: what the two entries of an accepted leg say.
    l_debit_versions bigint[] := array_fill(0::bigint, array[v_legs]);
    l_debit_balances bigint[] := array_fill(0::bigint, array[v_legs]);
    l_credit_versions bigint[] := array_fill(0::bigint, array[v_legs]);
    l_credit_balances bigint[] := array_fill(0::bigint, array[v_legs]);
    v_at timestamptz;
    v_prev_hash bytea;
    v_content text;
    v_transfers integer;
    v_entries integer;
    v_rows integer;
    v_act smallint;
    v_hold integer;
    v_rest bigint;
    v_leg integer;
    v_last integer;
    v_debit integer;
    v_credit integer;
    v_amount bigint;
    v_reason text;
begin
    -- 1. A release names only its hold: its accounts are those the hold was placed with.
    if cardinality(p_hold_ids) > 0 then
        select f.p_accounts, f.p_debits, f.p_credits, f.p_currencies, f.holders, f.accounts,
            f.currencies
        into p_accounts, p_debits, p_credits, p_currencies, h_holders, h_accounts, h_currencies
        from bank.ledger_find_holds(p_ledger, p_groups, p_first, p_acts, p_group_holds,
            p_hold_ids, p_accounts, p_debits, p_credits, p_currencies) f;
    end if;

    -- 2. Lock the chain, then read the accounts as they are now.
    select h.seq + 1, h.hash into batch, v_prev_hash
    from bank.ledger_heads h where h.ledger_id = p_ledger
    for no key update;
    if not found then
        raise exception 'there is no ledger %', p_ledger using errcode = 'LG002';
    end if;

    select array_agg(a.row_at), array_agg(a.currency), array_agg(a.status), array_agg(a.class),
        array_agg(coalesce(a.floor, -c_balance_max)), array_agg(a.balance), array_agg(a.version),
        greatest(p_at, max(a.booked_at))
    into a_rows, a_currencies, a_states, a_classes, a_floors, a_balances, a_versions, v_at
    from unnest(p_accounts) with ordinality w (id, n)
    left join lateral (
        select b.ctid as row_at, b.currency, b.status, b.class, b.floor, b.balance, b.version,
            b.booked_at
        from bank.ledger_accounts b
        where b.ledger_id = p_ledger and b.account_id = w.id
        limit 1
    ) a on true;
    a_versions_before := a_versions;

    -- 3. Groups that stand in the books already keep the verdict they got then.
    select array_agg(t.reason order by g.n), array_agg(t.leg is not null order by g.n),
        array_agg(t.request_hash order by g.n), count(*) filter (where t.leg is null)
    into reasons, repeats, stored_hashes, v_rows
    from unnest(p_groups) with ordinality g (id, n)
    left join lateral (
        select nullif(s.reason, '') as reason, s.leg, s.request_hash
        from bank.ledger_transfers s
        where s.ledger_id = p_ledger and s.group_id = g.id and s.leg = 1
        limit 1
    ) t on true;
    if v_rows = 0 and not p_seal then
        batch := null;
        return;
    end if;
    if cardinality(p_hold_ids) > 0 then
        select array_agg(s.rest order by w.n), array_agg(s.expires_at order by w.n)
        into h_rests, h_expires
        from unnest(p_hold_ids) with ordinality w (id, n)
        left join lateral (
            select b.rest, b.expires_at from bank.ledger_holds b
            where b.ledger_id = p_ledger and b.hold_id = w.id
            limit 1
        ) s on true;
        h_amounts := array_fill(null::bigint, array[cardinality(p_hold_ids)]);
    end if;

    -- 4. Decide one group after another, in order, with running balances. No floor is passed even
    -- between two legs, so a replay in version order never sees less.
    for v_group in 1 .. cardinality(p_groups) loop
        continue when repeats[v_group];
        v_act := p_acts[v_group];
        v_hold := p_group_holds[v_group];
        v_leg := p_first[v_group];
        v_last := coalesce(p_first[v_group + 1] - 1, v_legs);
        v_reason := null;
        if v_act > 0 then
            v_rest := h_rests[v_hold];
            v_reason := case
                when v_act = 1 and p_expires[v_group] <= p_at then 'hold_expired'
                when v_act > 1 and v_rest is null then 'hold_unknown'
                when v_act > 1 and v_rest = 0 then 'hold_closed'
                when v_act = 2 and h_expires[v_hold] <= p_at then 'hold_expired'
            end;
            if v_act = 3 and p_amounts[v_leg] = 0 then
                if v_reason is null then
                    p_amounts[v_leg] := v_rest;
                elsif v_reason = 'hold_unknown' then
                    -- It was to be placed in this very batch and was refused: it has no accounts.
                    p_debits[v_leg] := 0;
                    p_credits[v_leg] := 0;
                    p_currencies[v_leg] := '';
                end if;
            end if;
        end if;
        while v_reason is null and v_leg <= v_last loop
            v_debit := p_debits[v_leg];
            v_credit := p_credits[v_leg];
            v_amount := p_amounts[v_leg];
            v_reason := case
                when a_states[v_debit] is null or a_states[v_credit] is null
                    then 'account_unknown'
                when a_states[v_debit] = 'closed' or a_states[v_credit] = 'closed'
                    then 'account_closed'
                when a_states[v_debit] = 'blocked' then 'account_blocked'
                when a_currencies[v_debit] <> p_currencies[v_leg]
                    or a_currencies[v_credit] <> p_currencies[v_leg] then 'currency_mismatch'
                -- Money enters a hold account by the first leg of a placed hold only, and leaves
                -- it only for a capture or release of that hold, the latter to the holder alone.
                when (a_classes[v_credit] = 'hold') <> (v_act = 1 and v_leg = p_first[v_group])
                    or a_classes[v_debit] = 'hold' and (v_act < 2
                        or v_debit <> h_accounts[v_hold]
                        or v_act = 3 and v_credit <> h_holders[v_hold])
                    then 'hold_account_wrong'
                when a_classes[v_debit] = 'hold' and v_amount > h_rests[v_hold]
                    then 'hold_exceeded'
                when a_balances[v_debit] - v_amount < a_floors[v_debit] then 'funds_insufficient'
                when a_balances[v_credit] + v_amount > c_balance_max then 'balance_limit'
            end;
            exit when v_reason is not null;
            a_balances[v_debit] := a_balances[v_debit] - v_amount;
            a_balances[v_credit] := a_balances[v_credit] + v_amount;
            a_versions[v_debit] := a_versions[v_debit] + 1;
            a_versions[v_credit] := a_versions[v_credit] + 1;
            l_debit_balances[v_leg] := a_balances[v_debit];
            l_credit_balances[v_leg] := a_balances[v_credit];
            l_debit_versions[v_leg] := a_versions[v_debit];
            l_credit_versions[v_leg] := a_versions[v_credit];
            if a_classes[v_debit] = 'hold' then
                h_rests[v_hold] := h_rests[v_hold] - v_amount;
            elsif a_classes[v_credit] = 'hold' then
                h_rests[v_hold] := v_amount;
            end if;
            v_leg := v_leg + 1;
        end loop;
        if v_act > 0 and v_reason is null and h_rests[v_hold] is not distinct from v_rest then
            v_reason := 'hold_account_wrong';
        elsif v_act = 1 and v_reason is null then
            h_amounts[v_hold] := h_rests[v_hold];
            h_expires[v_hold] := p_expires[v_group];
        end if;
        if v_reason is not null then
            -- Take back the legs that had passed before the one that did not.
            while v_leg > p_first[v_group] loop
                v_leg := v_leg - 1;
                v_debit := p_debits[v_leg];
                v_credit := p_credits[v_leg];
                a_balances[v_debit] := a_balances[v_debit] + p_amounts[v_leg];
                a_balances[v_credit] := a_balances[v_credit] - p_amounts[v_leg];
                a_versions[v_debit] := a_versions[v_debit] - 1;
                a_versions[v_credit] := a_versions[v_credit] - 1;
            end loop;
            if v_act > 0 then
                h_rests[v_hold] := v_rest;
            end if;
            reasons[v_group] := v_reason;
        end if;
    end loop;

    -- 5. Write transfers, entries, balances and holds; nothing of this is decided any more.
    insert into bank.ledger_transfers (ledger_id, group_id, leg, batch, amount, booked_at,
        value_date, verdict, reason, kind, debit, credit, currency, hold_id, expires_at,
        request_hash, narrative)
    select p_ledger, p_groups[l.g], l.n - p_first[l.g] + 1, batch, l.amount, v_at,
        p_value_dates[l.g], case when reasons[l.g] is null then 'accepted' else 'refused' end,
        coalesce(reasons[l.g], ''), p_kinds[l.g], coalesce(p_accounts[l.debit], ''),
        coalesce(p_accounts[l.credit], ''), l.currency, p_hold_ids[p_group_holds[l.g]],
        p_expires[l.g], p_hashes[l.g], p_narratives[l.g]
    from unnest(p_leg_groups, p_debits, p_credits, p_amounts, p_currencies)
        with ordinality l (g, debit, credit, amount, currency, n)
    where not repeats[l.g];
    get diagnostics v_transfers = row_count;

    insert into bank.ledger_entries (ledger_id, account_id, version, group_id, leg, batch, amount,
        balance_after, booked_at)
    select p_ledger, p_accounts[e.account], e.version, p_groups[l.g], l.n - p_first[l.g] + 1,
        batch, e.amount, e.balance_after, v_at
    from unnest(p_leg_groups, p_debits, p_credits, p_amounts, l_debit_versions,
            l_debit_balances, l_credit_versions, l_credit_balances)
        with ordinality l (g, debit, credit, amount, debit_version, debit_balance,
            credit_version, credit_balance, n)
    cross join lateral (
        values (l.debit, l.debit_version, -l.amount, l.debit_balance),
            (l.credit, l.credit_version, l.amount, l.credit_balance)
    ) e (account, version, amount, balance_after)
    where not repeats[l.g] and reasons[l.g] is null;
    get diagnostics v_entries = row_count;

    update bank.ledger_accounts a
    set balance = n.balance, version = n.version, booked_at = v_at
    from unnest(a_rows, a_balances, a_versions, a_versions_before)
        n (row_at, balance, version, version_before)
    where a.ctid = n.row_at and n.version > n.version_before;
    get diagnostics v_rows = row_count;
    if v_rows <> (select count(*) from unnest(a_versions, a_versions_before) n (new, old)
                  where n.new > n.old) then
        raise exception 'an account changed behind the lock' using errcode = 'LG003';
    end if;

    if cardinality(p_hold_ids) > 0 then
        perform bank.ledger_keep_holds(p_ledger, p_hold_ids,
            (select array_agg(p_accounts[i] order by n) from unnest(h_holders)
                with ordinality h (i, n)),
            (select array_agg(p_accounts[i] order by n) from unnest(h_accounts)
                with ordinality h (i, n)),
            h_currencies, h_amounts, h_rests, h_expires);
    end if;

    -- 6. Seal: the byte form is that of bankside.bank.ledger.canonical.
    select coalesce(string_agg(
        concat_ws('|', 'T', s.group_id, s.leg, s.kind, s.verdict, s.debit, s.credit, s.amount,
            s.currency, s.hold_id, s.expires_at, s.request_hash, s.value_date, octet_length(s.narrative),
            s.narrative)
        || case when s.verdict = 'accepted' then
            concat_ws('|', E'\nE', s.debit, s.debit_version, -s.amount, s.debit_balance)
            || concat_ws('|', E'\nE', s.credit, s.credit_version, s.amount, s.credit_balance)
        else '' end, E'\n'), '')
    into v_content
    from (
        select p_groups[l.g] as group_id, l.n - p_first[l.g] + 1 as leg, p_kinds[l.g] as kind,
            coalesce(reasons[l.g], 'accepted') as verdict,
            coalesce(p_accounts[l.debit], '') as debit,
            coalesce(p_accounts[l.credit], '') as credit, l.amount, l.currency,
            coalesce(p_hold_ids[p_group_holds[l.g]]::text, '') as hold_id,
            coalesce((extract(epoch from p_expires[l.g]) * 1000000)::bigint::text, '')
                as expires_at,
            encode(p_hashes[l.g], 'hex') as request_hash, p_value_dates[l.g] as value_date,
            p_narratives[l.g] as narrative, l.debit_version, l.debit_balance, l.credit_version,
            l.credit_balance
        from unnest(p_leg_groups, p_debits, p_credits, p_amounts, p_currencies, l_debit_versions,
                l_debit_balances, l_credit_versions, l_credit_balances)
            with ordinality l (g, debit, credit, amount, currency, debit_version, debit_balance,
                credit_version, credit_balance, n)
        where not repeats[l.g]
        order by 1, 2
    ) s;
    hash := sha256(convert_to(concat_ws('|', 'bankside-ledger-batch/1', p_ledger, batch,
        (extract(epoch from v_at) * 1000000)::bigint, v_transfers, v_entries,
        encode(v_prev_hash, 'hex')) || E'\n' || v_content, 'UTF8'));
    insert into bank.ledger_batches (ledger_id, seq, booked_at, transfers, entries, prev_hash, hash)
    values (p_ledger, batch, v_at, v_transfers, v_entries, v_prev_hash, hash);
    update bank.ledger_heads h set seq = batch, hash = ledger_post_batch.hash
    where h.ledger_id = p_ledger;
end
$$;

-- Where holds stand: for each of p_hold_ids the positions of its two accounts and its currency
-- (0, 0, '' when it is neither stored nor placed in this batch), with the legs of releases filled in
-- and accounts that were not named yet appended. A hold's accounts never change, so this is read
-- before any lock is taken.
create function bank.ledger_find_holds(
    p_ledger text, p_groups uuid[], p_first integer[], p_acts smallint[], p_group_holds integer[],
    p_hold_ids uuid[],
    inout p_accounts text[], inout p_debits integer[], inout p_credits integer[],
    inout p_currencies text[],
    out holders integer[], out accounts integer[], out currencies text[]
)
language plpgsql stable
set search_path = pg_catalog
set enable_seqscan = off
as $$
declare
    v_stored record;
    v_leg integer;
    v_hold integer;
    v_placed integer;
begin
    for i in 1 .. cardinality(p_hold_ids) loop
        v_hold := i;
        select h.account_id, h.hold_account_id, h.currency into v_stored
        from bank.ledger_holds h
        where h.ledger_id = p_ledger and h.hold_id = p_hold_ids[v_hold];
        v_placed := array_position(p_groups, p_hold_ids[v_hold]);
        if found then
            if array_position(p_accounts, v_stored.account_id) is null then
                p_accounts := p_accounts || v_stored.account_id;
            end if;
            if array_position(p_accounts, v_stored.hold_account_id) is null then
                p_accounts := p_accounts || v_stored.hold_account_id;
            end if;
            holders[v_hold] := array_position(p_accounts, v_stored.account_id);
            accounts[v_hold] := array_position(p_accounts, v_stored.hold_account_id);
            currencies[v_hold] := v_stored.currency;
        elsif p_acts[v_placed] = 1 then
            v_leg := p_first[v_placed];
            holders[v_hold] := p_debits[v_leg];
            accounts[v_hold] := p_credits[v_leg];
            currencies[v_hold] := p_currencies[v_leg];
        else
            holders[v_hold] := 0;
            accounts[v_hold] := 0;
            currencies[v_hold] := '';
        end if;
    end loop;
    for v_group in 1 .. cardinality(p_groups) loop
        if p_acts[v_group] = 3 then
            v_leg := p_first[v_group];
            v_hold := p_group_holds[v_group];
            if p_debits[v_leg] = 0 then
                p_debits[v_leg] := accounts[v_hold];
                p_credits[v_leg] := holders[v_hold];
                p_currencies[v_leg] := currencies[v_hold];
            end if;
        end if;
    end loop;
end
$$;

-- Write the holds of a decided batch: placed ones (they have an amount here) as new rows, the others
-- with what is left of them. One statement a hold: a join could be planned for an empty table.
create function bank.ledger_keep_holds(
    p_ledger text, p_hold_ids uuid[], p_holders text[], p_accounts text[], p_currencies text[],
    p_amounts bigint[], p_rests bigint[], p_expires timestamptz[]
) returns void
language plpgsql
set search_path = pg_catalog
set enable_seqscan = off
as $$
begin
    for v_hold in 1 .. cardinality(p_hold_ids) loop
        if p_amounts[v_hold] is not null then
            insert into bank.ledger_holds (ledger_id, hold_id, account_id, hold_account_id,
                currency, amount, rest, expires_at)
            values (p_ledger, p_hold_ids[v_hold], p_holders[v_hold], p_accounts[v_hold],
                p_currencies[v_hold], p_amounts[v_hold], p_rests[v_hold], p_expires[v_hold]);
        else
            update bank.ledger_holds h set rest = p_rests[v_hold]
            where h.ledger_id = p_ledger and h.hold_id = p_hold_ids[v_hold]
                and h.rest <> p_rests[v_hold];
        end if;
    end loop;
end
$$;
