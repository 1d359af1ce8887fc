-- A snapshot does not see rows that were copied after it was taken. Whoever has an older one and first touches the table after the swap would
-- find it empty, without any error. So the swap waits for the transactions that were running when the copy was complete, as CREATE INDEX
-- CONCURRENTLY waits for those that are older than its index. What is written later is in both tables, by the same transaction.

create or replace function partitions.older_transactions(relation text)
returns table (transaction text, pid integer, application text, began_at timestamptz)
language sql volatile
set search_path = ''
as $$
  select l.virtualtransaction, a.pid, nullif(a.application_name, ''), a.xact_start
  from partitions.conversions as c
  join pg_catalog.pg_locks as l on l.locktype = 'virtualxid' and l.virtualxid = l.virtualtransaction and l.virtualtransaction = any (c.running_before)
  join pg_catalog.pg_stat_activity as a on a.pid = l.pid
  where c.relation = older_transactions.relation and c.server_started_at = pg_postmaster_start_time() and l.pid <> pg_backend_pid()
    -- Other databases do not see the table; autovacuum, which has no user, does not read as a snapshot does.
    and a.datid = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database()) and a.usesysid is not null
    -- READ COMMITTED has no snapshot between two statements, and takes a new one for the next. Of sessions of other roles this is known to
    -- pg_read_all_stats only: without it they count.
    and (a.backend_start is null or a.backend_xmin is not null)
  order by a.xact_start, a.pid
$$;
comment on function partitions.older_transactions(text) is
  'Transactions whose snapshot may be older than the copy of a table, the oldest first: the swap waits for them. transaction: its virtual id. '
  'began_at is NULL where this role may not know it.';

create or replace function partitions.note_transactions(relation text) returns void
language sql volatile
set search_path = ''
as $$
  update partitions.conversions as c
  set server_started_at = pg_postmaster_start_time(),
    running_before = case when c.running_before is null
      then array(
        select l.virtualtransaction from pg_catalog.pg_locks as l
        where l.locktype = 'virtualxid' and l.virtualxid = l.virtualtransaction and l.pid <> pg_backend_pid())
      -- Whoever had no snapshot for a moment has a newer one ever after.
      else array(select o.transaction from partitions.older_transactions(relation) as o) end
  where c.relation = note_transactions.relation and c.step in ('verify', 'swap') and c.running_before is distinct from '{}'
$$;
comment on function partitions.note_transactions(text) is
  'Writes down which transactions are running, whose snapshots may not see all of the copy; called again, which of them are left. Call it once '
  'the last batch is committed: what begins afterwards sees all of it.';

create or replace function partitions.refuse_older_transactions(relation text) returns void
language plpgsql
set search_path = ''
as $$
declare
  older record;
begin
  if exists (select from partitions.conversions as c where c.relation = refuse_older_transactions.relation and c.running_before is null) then
    raise object_not_in_prerequisite_state using
      message = format('which transactions are older than the copy of %s is not written down', relation), hint = 'select partitions.note_transactions(…), in a transaction of its own.';
  end if;
  for older in select o.pid from partitions.older_transactions(relation) as o limit 1 loop
    raise object_in_use using
      message = format('session %s has a snapshot from before the copy of %s was complete: after the swap it would find no rows in it', older.pid, relation),
      hint = 'Wait until its transaction has ended.';
  end loop;
end
$$;
comment on function partitions.refuse_older_transactions(text) is 'An error while a transaction is running whose snapshot may be older than the copy.';

revoke execute on function partitions.older_transactions(text), partitions.note_transactions(text), partitions.refuse_older_transactions(text) from public;
