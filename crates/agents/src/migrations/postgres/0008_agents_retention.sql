-- What went when its time was over. None of it is a projection: a rebuild has to know it before it reads the first record.
-- the records that hold what is left of sessions that went
create table agent_seals (
  ledger_seq bigint primary key
);

-- sessions and calls that went, by the first eight bytes of the SHA-256 of their names: nothing that is said of them later counts again
create table agent_sealed (
  kind text collate "C" not null check (kind in ('session', 'call')),
  hash bigint not null,
  primary key (kind, hash)
);

-- sums before this moment are not kept any more
create table agent_floors (
  grain bigint primary key check (grain in (3600, 86400)),
  before_at bigint not null
);

-- which session a record tells of; written when something is to go, and not when a record is taken in
create table session_records (
  ledger_seq bigint primary key,
  id_hash bigint not null
);
create index session_records_session on session_records (id_hash, ledger_seq);
