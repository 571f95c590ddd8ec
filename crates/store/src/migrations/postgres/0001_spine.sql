-- The spine: evidence (records, lineages, batches) and the operation tables that every room shares.
create table store_meta (
  name text collate "C" primary key,
  value text collate "C" not null
);

-- Evidence ---------------------------------------------------------------------------------------------------------
create table kinds (
  kind bigint primary key,
  name text collate "C" not null,
  version bigint not null,
  digest bytea not null,
  room text collate "C" not null,
  declaration bytea not null,
  unique (name, version)
);

create table lineages (
  unit bigint primary key,
  lineage_hash bytea not null,
  body bytea not null
);

create table records (
  seq bigint primary key,
  kind bigint not null,
  admission bigint not null,
  unit bigint,
  ordinal bigint,
  asset bigint,
  span_start_ms bigint,
  span_end_ms bigint,
  blob bigint,
  record_id text collate "C",
  commitment bytea not null,
  leaf bytea not null,
  body bytea
);
-- artifacts of a unit, and the artifact id
create unique index records_unit on records (unit, ordinal) where unit is not null;
-- records from outside, by the id they came with
create unique index records_record_id on records (record_id) where record_id is not null;

create table batches (
  batch bigint primary key,
  first_seq bigint not null,
  count bigint not null,
  at_us bigint not null,
  leaves_root bytea not null,
  head bytea not null
);

create table tree_nodes (
  level bigint not null,
  position bigint not null,
  hash bytea not null,
  primary key (level, position)
);

create table ledger_state (
  one bigint primary key check (one = 1),
  batches bigint not null,
  next_seq bigint not null,
  frontier bytea not null
);
insert into ledger_state (one, batches, next_seq, frontier) values (1, 0, 1, ''::bytea);

create table blobs (
  blob bigint primary key,
  sha256 bytea not null unique,
  size_bytes bigint not null,
  media_type text collate "C" not null
);

-- Operation --------------------------------------------------------------------------------------------------------
create table sources (
  source bigint primary key,
  source_id bytea not null unique,
  name text collate "C" not null unique,
  class bigint not null,
  root bytea not null unique,
  online bigint not null,
  added_us bigint not null,
  scanned_us bigint
);

create table assets (
  asset bigint primary key,
  sha256 bytea not null unique,
  size_bytes bigint not null,
  media_type text collate "C" not null,
  first_seen_us bigint not null
);

create table paths (
  path bigint primary key,
  source bigint not null,
  asset bigint not null,
  path_hash bytea not null,
  path_bytes bytea not null,
  size_bytes bigint not null,
  mtime_ns bigint not null,
  device bigint not null,
  inode bigint not null,
  first_seen_us bigint not null,
  last_seen_us bigint not null,
  state bigint not null
);
-- one open row for a path of a source; closed rows are its history
create unique index paths_open on paths (source, path_hash) where state < 2;
-- paths of an asset
create index paths_asset on paths (asset);

create table path_outcomes (
  source bigint not null,
  path_hash bytea not null,
  path_bytes bytea not null,
  code text collate "C" not null,
  detail text collate "C" not null,
  seen_us bigint not null,
  primary key (source, path_hash)
);

create table runs (
  run bigint primary key,
  run_id bytea not null unique,
  pipeline text collate "C" not null,
  pipeline_version text collate "C" not null,
  definition bytea not null,
  policy text collate "C" not null,
  collection bytea not null,
  state bigint not null,
  cancel_wanted bigint not null,
  attempts_max bigint not null,
  recompute bigint not null,
  reason text collate "C",
  created_us bigint not null,
  started_us bigint,
  ended_us bigint,
  members bigint not null,
  members_planned bigint not null,
  steps bigint not null,
  first_unit bigint not null,
  owner bytea,
  owner_home text collate "C",
  owner_clock text collate "C",
  owner_until_ms bigint
);

create table run_members (
  run bigint not null,
  ordinal bigint not null,
  asset bigint not null,
  primary key (run, ordinal)
);

create table units (
  unit bigint primary key,
  run bigint not null,
  ordinal bigint not null,
  step bigint not null,
  asset bigint not null,
  state bigint not null,
  generation bigint not null,
  attempts bigint not null,
  crashes bigint not null,
  retryable bigint not null,
  artifacts bigint not null,
  reason text collate "C",
  detail text collate "C",
  work_key bytea,
  reused_unit bigint,
  lease_owner bytea,
  lease_clock text collate "C",
  lease_until_ms bigint,
  started_us bigint,
  ended_us bigint,
  made text collate "C"
);
-- next_units
create index units_pending on units (run, step, unit) where state = 0;
-- leases that ran out, leases of a host that died
create index units_leased on units (run, unit) where state = 1;
-- artifacts of an asset
create index units_asset on units (asset, unit);
-- reuse
create index units_work on units (work_key, unit) where work_key is not null;

create table coverage (
  run bigint not null,
  step bigint not null,
  state bigint not null,
  count bigint not null,
  primary key (run, step, state)
);
