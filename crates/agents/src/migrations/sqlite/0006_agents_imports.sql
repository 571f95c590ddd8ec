-- What was taken over from older files: a report for each import, and why rows of the file were not written. Operation tables.
create table import_reports (
  report_id text primary key,
  kind text not null check (kind in ('v3_json', 'v41_sqlite')),
  path text not null,
  source_hash blob not null,
  dry_run integer not null check (dry_run in (0, 1)),
  started_at integer not null,
  finished_at integer,
  read integer not null check (read >= 0),
  written integer not null check (written >= 0),
  skipped integer not null check (skipped >= 0),
  errors integer not null check (errors >= 0),
  rows_omitted integer not null check (rows_omitted >= 0),
  parity_ok integer check (parity_ok in (0, 1)),
  totals text not null,
  check (finished_at is null or read = written + skipped + errors),
  check (finished_at is not null or parity_ok is null)
) strict, without rowid;
-- pages of reports, the newest first, and the last one of a file
create index import_report_started on import_reports (started_at, report_id);
create index import_report_path on import_reports (path, started_at, report_id);

create table import_report_rows (
  report_id text not null,
  place integer not null check (place >= 0),
  ref text not null,
  outcome text not null check (outcome in ('written', 'skipped', 'error')),
  reason text not null,
  primary key (report_id, place)
) strict, without rowid;
