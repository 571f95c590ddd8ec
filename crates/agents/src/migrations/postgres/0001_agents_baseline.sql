-- Sessions of agents, their events and their usage, as projections of the records of the ledger; keys of ingest.
create table agent_dims (
  dim_key bigint primary key,
  kind text collate "C" not null check (kind in ('agent', 'model', 'provider', 'category', 'feed')),
  value text collate "C" not null,
  unique (kind, value)
);
insert into agent_dims (dim_key, kind, value) values (1, 'category', 'uncategorized');

create table session_ledger (
  session_key bigint primary key,
  session_id text collate "C" not null,
  id_hash bigint not null unique,
  run_id text collate "C",
  agent_key bigint not null,
  agent_label text collate "C" not null,
  model_key bigint not null,
  provider_key bigint,
  task_title text collate "C",
  task_text text collate "C",
  task_category_key bigint not null,
  status text collate "C" not null check (status in ('queued', 'running', 'success', 'failed', 'killed', 'cancelled')),
  started_at bigint not null,
  ended_at bigint,
  end_inferred bigint not null check (end_inferred in (0, 1)),
  last_activity_at bigint not null,
  runtime_ms bigint not null check (runtime_ms >= 0),
  artifact_count bigint not null check (artifact_count >= 0),
  error_code text collate "C",
  error_message text collate "C",
  source_version text collate "C",
  metadata text collate "C",
  feed_key bigint not null,
  revision bigint not null check (revision >= 1),
  sent_revision bigint,
  live_fp bytea,
  terminal_fp bytea,
  ledger_seq bigint not null,
  ingested_at bigint not null
);
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
  session_key bigint not null,
  seq bigint not null,
  event_id text collate "C" not null,
  event_type text collate "C" not null check (event_type in ('tool_call', 'message', 'state_transition', 'artifact', 'error', 'metric')),
  event_ts bigint not null,
  payload_json text collate "C" not null,
  primary key (session_key, seq, event_id)
);
create unique index session_event_ids on session_events (session_key, event_id);

create table session_usage (
  session_key bigint primary key,
  sent_prompt bigint,
  sent_completion bigint,
  sent_total bigint,
  sent_billed_nano bigint,
  prompt_tokens bigint,
  completion_tokens bigint,
  total_tokens bigint,
  input_uncached bigint not null,
  cache_read bigint not null,
  cache_write_5m bigint not null,
  cache_write_1h bigint not null,
  cache_write bigint not null,
  output bigint not null,
  reasoning bigint not null,
  web_search_requests bigint not null,
  call_count bigint not null,
  unpriced_calls bigint not null,
  runtime_ms bigint not null check (runtime_ms >= 0),
  cost_nano bigint,
  cost_confidence text collate "C" not null check (cost_confidence in ('exact', 'estimated', 'unknown')),
  provider_key bigint,
  started_at bigint not null,
  computed_at bigint not null
);

create index usage_cost on session_usage (coalesce(cost_nano, -1), started_at, session_key);

create table agent_calls (
  call_key bigint primary key,
  dedupe_key text collate "C" not null unique,
  call_id text collate "C" not null,
  response_id text collate "C",
  session_key bigint not null,
  model_key bigint not null,
  provider_key bigint,
  feed_key bigint not null,
  status text collate "C" not null check (status in ('success', 'failed', 'cancelled')),
  error_code text collate "C",
  service_tier text collate "C" check (service_tier in ('standard', 'batch', 'flex', 'priority')),
  started_at bigint not null,
  duration_ms bigint,
  input_uncached bigint,
  cache_read bigint,
  cache_write_5m bigint,
  cache_write_1h bigint,
  cache_write bigint,
  output bigint,
  reasoning bigint,
  web_search_requests bigint,
  total_only bigint,
  semantics text collate "C" not null check (semantics in ('disjoint', 'inclusive', 'exclusive', 'exclusive_inferred', 'total_only', 'unknown')),
  raw_usage text collate "C",
  billed_nano bigint,
  estimated_nano bigint,
  estimated_version text collate "C",
  cost_nano bigint,
  cost_confidence text collate "C" not null check (cost_confidence in ('exact', 'estimated', 'unknown')),
  revision bigint not null check (revision >= 1),
  ledger_seq bigint not null
);
create index call_started on agent_calls (started_at, call_key);
create index call_session on agent_calls (session_key, started_at, call_key);
create index call_model on agent_calls (model_key, started_at, call_key);
create index call_response on agent_calls (response_id) where response_id is not null;

-- What each feed tells of a call that more than one tells of, under the key of that call.
create table agent_call_records (
  dedupe_key text collate "C" primary key,
  call_key bigint not null,
  call_id text collate "C" not null,
  response_id text collate "C" not null,
  session_key bigint not null,
  model_key bigint not null,
  provider_key bigint not null,
  feed_key bigint not null,
  status text collate "C" not null,
  error_code text collate "C",
  service_tier text collate "C",
  started_at bigint not null,
  duration_ms bigint,
  input_uncached bigint,
  cache_read bigint,
  cache_write_5m bigint,
  cache_write_1h bigint,
  cache_write bigint,
  output bigint,
  reasoning bigint,
  web_search_requests bigint,
  total_only bigint,
  semantics text collate "C" not null,
  token_source text collate "C" not null,
  token_confidence text collate "C" not null,
  raw_usage text collate "C",
  billed_nano bigint,
  estimated_nano bigint,
  estimated_version text collate "C",
  cost_nano bigint,
  pricing_version text collate "C",
  cost_source text collate "C" not null,
  cost_confidence_level text collate "C" not null,
  cost_confidence text collate "C" not null,
  revision bigint not null,
  ledger_seq bigint not null
);
create index call_record_row on agent_call_records (call_key);
create index call_record_response on agent_call_records (response_id);

-- Keys: what was decided under which key; no projection, because a stale document has a key, too. Only a key of the sender's own is ever
-- looked for. That no key has a fingerprint twice holds for the others, too: both make the id of the record, which is unique.
create table ingest_keys (
  ledger_seq bigint primary key,
  key text collate "C" not null,
  fingerprint bytea not null,
  revision bigint not null,
  stale bigint not null check (stale in (0, 1))
);
create unique index ingest_own_keys on ingest_keys (key, fingerprint) where substr(key, 1, 4) = 'key:';

-- Words of id, title and text, each once; the tokens are ours, so ASCII rules are enough to part them.
create table session_words (session_key bigint primary key, words tsvector not null);
create index session_words_gin on session_words using gin (words);
