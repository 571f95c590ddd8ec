/* A database of V4.1 as that version made them, with rows of every sort that it wrote. */
pragma journal_mode = wal;
create table schema_migrations (version text primary key, applied_at text not null);
insert into schema_migrations values ('0001_init', '2026-01-01T00:00:00.000Z');
create table session_ledger (
  session_id text primary key, run_id text, agent_id text not null, agent_label text not null, model_id text not null, task_title text,
  task_text text, task_category text, status text not null, started_at text not null, ended_at text, runtime_ms integer not null,
  artifact_count integer not null, error_code text, error_message text, source_version text, ingested_at text not null
);
create table session_events (
  event_id text primary key, session_id text not null, seq integer not null, event_type text not null, event_ts text not null,
  payload_json text not null
);
create table session_usage (
  session_id text primary key, prompt_tokens integer, completion_tokens integer, total_tokens integer, runtime_ms integer not null,
  cost_usd real, cost_confidence text not null, provider text, pricing_version text, computed_at text not null,
  cost_source text not null default 'unknown', token_source text not null default 'missing', runtime_source text not null default 'missing',
  token_confidence text not null default 'unknown', runtime_confidence text not null default 'unknown',
  cost_confidence_level text not null default 'unknown'
);
create table alert_rules (
  rule_id text primary key, enabled integer not null, metric text not null, scope_type text not null, scope_ref_json text,
  warn_threshold real not null, critical_threshold real not null, window text not null, comparison text not null,
  dedup_cooldown_sec integer not null, created_at text not null, updated_at text not null
);
create table alert_state (
  rule_id text primary key, status text not null, lifecycle_state text not null default 'active', suppressed_until text,
  last_value real not null, last_evaluated_at text not null, last_transition_at text not null, last_notified_at text,
  active_fingerprint text, deduped integer not null default 0
);
create index idx_ledger_agent_started on session_ledger (agent_id, started_at desc);
create virtual table session_ledger_fts using fts5 (session_id, task_title, task_text);

insert into session_ledger values
  ('v41-exact', 'r-1', 'builder', 'Builder', 'claude-sonnet-4', 'Build the wheel', 'From oak.', 'build', 'success',
   '2026-01-02T03:00:00.000Z', '2026-01-02T03:00:05.000Z', 5000, 1, null, null, '4.1', '2026-01-05T00:00:00.000Z'),
  ('v41-default', null, 'builder', 'Builder', 'gpt-5', null, null, null, 'failed',
   '2026-01-02T04:00:00.000Z', '2026-01-02T04:01:00.000Z', 61000, 0, 'E42', 'no oak', null, '2026-01-05T00:00:00.000Z'),
  ('v41-flat', null, 'reviewer', 'Reviewer', 'gpt-5', '', null, 'uncategorized', 'killed',
   '2026-01-03T04:00:00.000Z', '2026-01-03T04:00:02.000Z', 2000, 0, null, null, null, '2026-01-05T00:00:00.000Z'),
  ('v41-live', null, 'builder', 'Builder', 'claude-sonnet-4', null, null, null, 'running',
   '2026-01-04T05:00:00.000Z', null, 0, 0, null, null, null, '2026-01-05T00:00:00.000Z');
insert into session_ledger_fts values ('v41-exact', 'Build the wheel', 'From oak.');
insert into session_events values
  ('e-1', 'v41-exact', 1, 'state_transition', '2026-01-02T03:00:01.000Z', '{"to":"running"}'),
  ('e-2', 'v41-exact', 2, 'tool_call', '2026-01-02T03:00:02.000Z', '{"tool":"saw","args":{"deep":[1,2.5,null]}}');
insert into session_usage (session_id, prompt_tokens, completion_tokens, total_tokens, runtime_ms, cost_usd, cost_confidence, provider,
  pricing_version, computed_at, cost_source, token_source, runtime_source, token_confidence, runtime_confidence, cost_confidence_level)
values
  ('v41-exact', 1200, 300, 1500, 5000, 0.0123, 'exact', 'anthropic', 'v4.1-default', '2026-01-05T00:00:00.000Z',
   'provider_reported', 'provider_reported', 'derived', 'high', 'medium', 'high'),
  ('v41-default', 10000, 500, 10500, 61000, 0.021, 'estimated', 'openai', 'v4.1-default', '2026-01-05T00:00:00.000Z',
   'derived', 'provider_reported', 'provider_reported', 'high', 'high', 'medium'),
  ('v41-live', null, null, null, 0, null, 'unknown', null, null, '2026-01-05T00:00:00.000Z',
   'missing', 'missing', 'missing', 'unknown', 'unknown', 'unknown');
insert into session_usage (session_id, total_tokens, runtime_ms, cost_usd, cost_confidence, computed_at)
values ('v41-flat', 900, 2000, 0.5, 'unknown', '2026-01-05T00:00:00.000Z');
insert into alert_rules values
  ('11111111-2222-4333-8444-555555555555', 1, 'daily_cost_usd', 'global', null, 5, 10, '24h', 'gte', 600,
   '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'),
  ('rule-2', 0, 'failure_rate', 'agent', '{"agentId":"builder"}', 0.1, 0.5, '7d', 'gt', 300,
   '2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z');
insert into alert_state values
  ('11111111-2222-4333-8444-555555555555', 'warning', 'suppressed', '2026-01-03T00:10:00.000Z', 7.5, '2026-01-03T00:05:00.000Z',
   '2026-01-03T00:00:00.000Z', '2026-01-03T00:00:00.000Z', 'warning:1', 1),
  ('rule-2', 'ok', 'active', null, 0.05, '2026-01-03T01:05:00.000Z', '2026-01-03T01:00:00.000Z', null, null, 0);
pragma wal_checkpoint(truncate);
