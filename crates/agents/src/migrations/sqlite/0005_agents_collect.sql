-- How far each file was read, and what each collector did so far: neither is a projection, because both say what is not read again.
create table source_offsets (
  feed text not null check (feed in ('claude_jsonl', 'codex_jsonl', 'openclaw_jsonl')),
  path text not null,
  offset_bytes integer not null check (offset_bytes >= 0),
  head_hash blob not null,
  size_bytes integer not null check (size_bytes >= 0),
  modified_at integer not null,
  read_at integer not null,
  primary key (feed, path)
) strict, without rowid;

create table collectors (
  collector text primary key check (collector in
    ('claude_jsonl', 'codex_jsonl', 'openclaw_jsonl', 'otlp_traces', 'otlp_metrics', 'otlp_logs', 'litellm')),
  records integer not null check (records >= 0),
  bad_records integer not null check (bad_records >= 0),
  documents integer not null check (documents >= 0),
  refused integer not null check (refused >= 0),
  read_at integer not null,
  problem text
) strict;
