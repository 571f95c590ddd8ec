-- What was taken over from older files: a report for each import, and why rows of the file were not written. Operation tables.
create table import_reports (
  report_id text collate "C" primary key,
  kind text collate "C" not null check (kind in ('v3_json', 'v41_sqlite')),
  path text collate "C" not null,
  source_hash bytea not null,
  dry_run bigint not null check (dry_run in (0, 1)),
  started_at bigint not null,
  finished_at bigint,
  read bigint not null check (read >= 0),
  written bigint not null check (written >= 0),
  skipped bigint not null check (skipped >= 0),
  errors bigint not null check (errors >= 0),
  rows_omitted bigint not null check (rows_omitted >= 0),
  parity_ok bigint check (parity_ok in (0, 1)),
  totals text collate "C" not null,
  check (finished_at is null or read = written + skipped + errors),
  check (finished_at is not null or parity_ok is null)
);
-- pages of reports, the newest first, and the last one of a file
create index import_report_started on import_reports (started_at, report_id);
create index import_report_path on import_reports (path, started_at, report_id);

create table import_report_rows (
  report_id text collate "C" not null,
  place bigint not null check (place >= 0),
  ref text collate "C" not null,
  outcome text collate "C" not null check (outcome in ('written', 'skipped', 'error')),
  reason text collate "C" not null,
  primary key (report_id, place)
);
