-- The spine: evidence (records, lineages, batches) and the operation tables that every room shares.
create table store_meta (
  name text primary key,
  value text not null
) strict, without rowid;

-- Evidence ---------------------------------------------------------------------------------------------------------
create table kinds (
  kind integer primary key,
  name text not null,
  version integer not null,
  digest blob not null,
  room text not null,
  declaration blob not null,
  unique (name, version)
) strict;

create table lineages (
  unit integer primary key,
  lineage_hash blob not null,
  body blob not null
) strict;

create table records (
  seq integer primary key,
  kind integer not null,
  admission integer not null,
  unit integer,
  ordinal integer,
  asset integer,
  span_start_ms integer,
  span_end_ms integer,
  blob integer,
  record_id text,
  commitment blob not null,
  leaf blob not null,
  body blob
) strict;
-- artifacts of a unit, and the artifact id
create unique index records_unit on records (unit, ordinal) where unit is not null;
-- records from outside, by the id they came with
create unique index records_record_id on records (record_id) where record_id is not null;

create table batches (
  batch integer primary key,
  first_seq integer not null,
  count integer not null,
  at_us integer not null,
  leaves_root blob not null,
  head blob not null
) strict;

create table tree_nodes (
  level integer not null,
  position integer not null,
  hash blob not null,
  primary key (level, position)
) strict, without rowid;

create table ledger_state (
  one integer primary key check (one = 1),
  batches integer not null,
  next_seq integer not null,
  frontier blob not null
) strict;
insert into ledger_state (one, batches, next_seq, frontier) values (1, 0, 1, x'');

create table blobs (
  blob integer primary key,
  sha256 blob not null unique,
  size_bytes integer not null,
  media_type text not null
) strict;

-- Operation --------------------------------------------------------------------------------------------------------
create table sources (
  source integer primary key,
  source_id blob not null unique,
  name text not null unique,
  class integer not null,
  root blob not null unique,
  online integer not null,
  added_us integer not null,
  scanned_us integer
) strict;

create table assets (
  asset integer primary key,
  sha256 blob not null unique,
  size_bytes integer not null,
  media_type text not null,
  first_seen_us integer not null
) strict;

create table paths (
  path integer primary key,
  source integer not null,
  asset integer not null,
  path_hash blob not null,
  path_bytes blob not null,
  size_bytes integer not null,
  mtime_ns integer not null,
  device integer not null,
  inode integer not null,
  first_seen_us integer not null,
  last_seen_us integer not null,
  state integer not null
) strict;
-- one open row for a path of a source; closed rows are its history
create unique index paths_open on paths (source, path_hash) where state < 2;
-- paths of an asset
create index paths_asset on paths (asset);

create table path_outcomes (
  source integer not null,
  path_hash blob not null,
  path_bytes blob not null,
  code text not null,
  detail text not null,
  seen_us integer not null,
  primary key (source, path_hash)
) strict, without rowid;

create table runs (
  run integer primary key,
  run_id blob not null unique,
  pipeline text not null,
  pipeline_version text not null,
  definition blob not null,
  policy text not null,
  collection blob not null,
  state integer not null,
  cancel_wanted integer not null,
  attempts_max integer not null,
  recompute integer not null,
  reason text,
  created_us integer not null,
  started_us integer,
  ended_us integer,
  members integer not null,
  members_planned integer not null,
  steps integer not null,
  first_unit integer not null,
  owner blob,
  owner_home text,
  owner_clock text,
  owner_until_ms integer
) strict;

create table run_members (
  run integer not null,
  ordinal integer not null,
  asset integer not null,
  primary key (run, ordinal)
) strict, without rowid;

create table units (
  unit integer primary key,
  run integer not null,
  ordinal integer not null,
  step integer not null,
  asset integer not null,
  state integer not null,
  generation integer not null,
  attempts integer not null,
  crashes integer not null,
  retryable integer not null,
  artifacts integer not null,
  reason text,
  detail text,
  work_key blob,
  reused_unit integer,
  lease_owner blob,
  lease_clock text,
  lease_until_ms integer,
  started_us integer,
  ended_us integer,
  made text
) strict;
-- next_units
create index units_pending on units (run, step, unit) where state = 0;
-- leases that ran out, leases of a host that died
create index units_leased on units (run, unit) where state = 1;
-- artifacts of an asset
create index units_asset on units (asset, unit);
-- reuse
create index units_work on units (work_key, unit) where work_key is not null;

create table coverage (
  run integer not null,
  step integer not null,
  state integer not null,
  count integer not null,
  primary key (run, step, state)
) strict, without rowid;
