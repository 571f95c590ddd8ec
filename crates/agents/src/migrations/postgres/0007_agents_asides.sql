-- What is recorded about a session and not shown: documents that came too late, and those that were refused. Like keys no projection.
create table session_asides (
  session_id text collate "C" not null,
  ledger_seq bigint not null,
  what text collate "C" not null check (what in ('stale', 'conflict')),
  primary key (session_id, ledger_seq)
);

insert into session_asides (session_id, ledger_seq, what)
select convert_from(records.body, 'UTF8')::json #>> '{document,session,sessionId}', records.seq, 'stale'
from ingest_keys join records on records.seq = ingest_keys.ledger_seq
where ingest_keys.stale = 1 and records.body is not null;

-- the id of a refused document says that it was refused
insert into session_asides (session_id, ledger_seq, what)
select convert_from(body, 'UTF8')::json #>> '{session_id}', seq, 'conflict'
from records where record_id like 'agents/%/refused' and body is not null;
