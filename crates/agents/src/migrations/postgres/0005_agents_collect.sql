-- How far each file was read, and what each collector did so far: neither is a projection, because both say what is not read again.
create table source_offsets (
  feed text collate "C" not null check (feed in ('claude_jsonl', 'codex_jsonl', 'openclaw_jsonl')),
  path text collate "C" not null,
  offset_bytes bigint not null check (offset_bytes >= 0),
  head_hash bytea not null,
  size_bytes bigint not null check (size_bytes >= 0),
  modified_at bigint not null,
  read_at bigint not null,
  primary key (feed, path)
);

create table collectors (
  collector text collate "C" primary key check (collector in
    ('claude_jsonl', 'codex_jsonl', 'openclaw_jsonl', 'otlp_traces', 'otlp_metrics', 'otlp_logs', 'litellm')),
  records bigint not null check (records >= 0),
  bad_records bigint not null check (bad_records >= 0),
  documents bigint not null check (documents >= 0),
  refused bigint not null check (refused >= 0),
  read_at bigint not null,
  problem text collate "C"
);
