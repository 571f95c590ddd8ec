-- Sessions of agents, their events and their usage, as projections of the records of the ledger; keys of ingest.
-- The words of tables that are written with each document are checked one by one and not with `in (...)`: for a list of three words or more
-- SQLite builds a table anew for each row, and three quarters of the time of writing a call went there.
create table agent_dims (
  dim_key integer primary key,
  kind text not null check (kind in ('agent', 'model', 'provider', 'category', 'feed')),
  value text not null,
  unique (kind, value)
) strict;
insert into agent_dims (dim_key, kind, value) values (1, 'category', 'uncategorized');

create table session_ledger (
  session_key integer primary key,
  session_id text not null,
  id_hash integer not null unique,
  run_id text,
  agent_key integer not null,
  agent_label text not null,
  model_key integer not null,
  provider_key integer,
  task_title text,
  task_text text,
  task_category_key integer not null,
  status text not null check (status = 'queued' or status = 'running' or status = 'success' or status = 'failed' or status = 'killed' or status = 'cancelled'),
  started_at integer not null,
  ended_at integer,
  end_inferred integer not null check (end_inferred in (0, 1)),
  last_activity_at integer not null,
  runtime_ms integer not null check (runtime_ms >= 0),
  artifact_count integer not null check (artifact_count >= 0),
  error_code text,
  error_message text,
  source_version text,
  metadata text,
  feed_key integer not null,
  revision integer not null check (revision >= 1),
  sent_revision integer,
  live_fp blob,
  terminal_fp blob,
  ledger_seq integer not null,
  ingested_at integer not null
) strict;
-- the ledger by date; the other four are its filters
create index session_started on session_ledger (started_at, session_key);
create index session_agent on session_ledger (agent_key, started_at, session_key);
create index session_status on session_ledger (status, started_at, session_key);
create index session_model on session_ledger (model_key, started_at, session_key);
create index session_category on session_ledger (task_category_key, started_at, session_key);
-- the longest, and below, in session_usage, the most expensive
create index session_runtime on session_ledger (runtime_ms, started_at, session_key);
-- sessions that may have gone silent
create index session_live on session_ledger (last_activity_at) where status in ('queued', 'running');

create table session_events (
  session_key integer not null,
  seq integer not null,
  event_id text not null,
  event_type text not null check (event_type = 'tool_call' or event_type = 'message' or event_type = 'state_transition' or event_type = 'artifact' or event_type = 'error' or event_type = 'metric'),
  event_ts integer not null,
  payload_json text not null,
  primary key (session_key, seq, event_id)
) strict, without rowid;
create unique index session_event_ids on session_events (session_key, event_id);

create table session_usage (
  session_key integer primary key,
  sent_prompt integer,
  sent_completion integer,
  sent_total integer,
  sent_billed_nano integer,
  prompt_tokens integer,
  completion_tokens integer,
  total_tokens integer,
  input_uncached integer not null,
  cache_read integer not null,
  cache_write_5m integer not null,
  cache_write_1h integer not null,
  cache_write integer not null,
  output integer not null,
  reasoning integer not null,
  web_search_requests integer not null,
  call_count integer not null,
  unpriced_calls integer not null,
  runtime_ms integer not null check (runtime_ms >= 0),
  cost_nano integer,
  cost_confidence text not null check (cost_confidence = 'exact' or cost_confidence = 'estimated' or cost_confidence = 'unknown'),
  provider_key integer,
  started_at integer not null,
  computed_at integer not null
) strict;

create index usage_cost on session_usage (coalesce(cost_nano, -1), started_at, session_key);

create table agent_calls (
  call_key integer primary key,
  dedupe_key text not null unique,
  call_id text not null,
  response_id text,
  session_key integer not null,
  model_key integer not null,
  provider_key integer,
  feed_key integer not null,
  status text not null check (status = 'success' or status = 'failed' or status = 'cancelled'),
  error_code text,
  service_tier text check (service_tier = 'standard' or service_tier = 'batch' or service_tier = 'flex' or service_tier = 'priority'),
  started_at integer not null,
  duration_ms integer,
  input_uncached integer,
  cache_read integer,
  cache_write_5m integer,
  cache_write_1h integer,
  cache_write integer,
  output integer,
  reasoning integer,
  web_search_requests integer,
  total_only integer,
  semantics text not null check (semantics = 'disjoint' or semantics = 'inclusive' or semantics = 'exclusive' or semantics = 'exclusive_inferred' or semantics = 'total_only' or semantics = 'unknown'),
  raw_usage text,
  billed_nano integer,
  estimated_nano integer,
  estimated_version text,
  cost_nano integer,
  cost_confidence text not null check (cost_confidence = 'exact' or cost_confidence = 'estimated' or cost_confidence = 'unknown'),
  revision integer not null check (revision >= 1),
  ledger_seq integer not null
) strict;
create index call_started on agent_calls (started_at, call_key);
create index call_session on agent_calls (session_key, started_at, call_key);
create index call_model on agent_calls (model_key, started_at, call_key);
create index call_response on agent_calls (response_id) where response_id is not null;

-- What each feed tells of a call that more than one tells of, under the key of that call.
create table agent_call_records (
  dedupe_key text primary key not null,
  call_key integer not null,
  call_id text not null,
  response_id text not null,
  session_key integer not null,
  model_key integer not null,
  provider_key integer not null,
  feed_key integer not null,
  status text not null,
  error_code text,
  service_tier text,
  started_at integer not null,
  duration_ms integer,
  input_uncached integer,
  cache_read integer,
  cache_write_5m integer,
  cache_write_1h integer,
  cache_write integer,
  output integer,
  reasoning integer,
  web_search_requests integer,
  total_only integer,
  semantics text not null,
  token_source text not null,
  token_confidence text not null,
  raw_usage text,
  billed_nano integer,
  estimated_nano integer,
  estimated_version text,
  cost_nano integer,
  pricing_version text,
  cost_source text not null,
  cost_confidence_level text not null,
  cost_confidence text not null,
  revision integer not null,
  ledger_seq integer not null
) strict;
create index call_record_row on agent_call_records (call_key);
create index call_record_response on agent_call_records (response_id);

-- Keys: what was decided under which key; no projection, because a stale document has a key, too. Only a key of the sender's own is ever
-- looked for. That no key has a fingerprint twice holds for the others, too: both make the id of the record, which is unique.
create table ingest_keys (
  ledger_seq integer primary key,
  key text not null,
  fingerprint blob not null,
  revision integer not null,
  stale integer not null check (stale in (0, 1))
) strict;
create unique index ingest_own_keys on ingest_keys (key, fingerprint) where substr(key, 1, 4) = 'key:';

-- Words of id, title and text, each once; the tokens are ours, so ASCII rules are enough to part them. Nobody asks where in a text a word
-- stands, so the index does not keep it.
create virtual table session_fts using fts5 (words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');
