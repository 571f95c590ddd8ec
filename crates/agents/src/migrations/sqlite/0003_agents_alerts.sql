-- Alerts: rules, how each of their instances stands, what happened, and what is told to whom. Operation tables: no rebuild touches them.

-- Sessions by their end: percentiles and failure rates look at a stretch of time. The end is the one that was told; where none was, it is
-- the newest moment that anything says of the session. Bounded, so that no runtime can overflow. It holds all columns that are looked at.
create index session_ended on session_ledger (
  coalesce(ended_at, max(last_activity_at, started_at + min(runtime_ms, 1000000000000) * 1000)),
  agent_key, model_key, status, ended_at, runtime_ms, session_key
) where status not in ('queued', 'running');

create table alert_rules (
  rule_id text not null primary key,
  enabled integer not null check (enabled in (0, 1)),
  metric text not null check (metric in ('daily_cost_usd', 'runtime_p95_ms', 'failure_rate', 'rolling_cost_usd')),
  scope_type text not null check (scope_type in ('global', 'agent', 'model', 'agent_model')),
  scope_agent text,
  scope_model text,
  warn_threshold real not null,
  critical_threshold real not null,
  time_window text not null check (time_window in ('5m', '1h', '24h', '7d')),
  comparison text not null check (comparison in ('gt', 'gte')),
  cooldown_sec integer not null check (cooldown_sec >= 0),
  name text,
  hysteresis_pct real not null,
  min_sample integer not null check (min_sample >= 0),
  no_data text not null check (no_data in ('resolve', 'keep', 'alert')),
  time_zone text not null,
  channels text not null,
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer,
  silenced_until integer,
  check (critical_threshold >= warn_threshold)
) strict, without rowid;

create table alert_state (
  rule_id text not null,
  scope_key text not null,
  scope_json text not null,
  status text not null check (status = 'ok' or status = 'warning' or status = 'critical'),
  lifecycle_state text not null check (lifecycle_state = 'active' or lifecycle_state = 'suppressed' or lifecycle_state = 'resolved'),
  suppressed_until integer,
  silenced_until integer,
  acked_at integer,
  acked_by text,
  last_value text,
  last_sample integer not null,
  last_evaluated_at integer not null,
  last_transition_at integer not null,
  last_notified_at integer,
  opened_at integer,
  resolved_at integer,
  episode integer not null check (episode >= 0),
  ordinal integer not null check (ordinal >= 0),
  active_fp blob,
  deduped integer not null check (deduped in (0, 1)),
  primary key (rule_id, scope_key),
  check ((status = 'ok') = (lifecycle_state = 'resolved')),
  check ((status = 'ok') = (active_fp is null))
) strict, without rowid;
-- what stands, and what ended a short while ago
create index alert_state_status on alert_state (status, last_transition_at);
create index alert_state_lifecycle on alert_state (lifecycle_state, suppressed_until);

-- What happened. Append-only.
create table alert_transitions (
  rule_id text not null,
  scope_key text not null,
  episode integer not null check (episode >= 1),
  ordinal integer not null check (ordinal >= 1),
  kind text not null check (kind in ('open', 'escalate', 'deescalate', 'suppress', 'renotify', 'resolve', 'ack', 'silence', 'close')),
  from_status text not null check (from_status in ('ok', 'warning', 'critical')),
  from_lifecycle text not null check (from_lifecycle in ('active', 'suppressed', 'resolved')),
  to_status text not null check (to_status in ('ok', 'warning', 'critical')),
  to_lifecycle text not null check (to_lifecycle in ('active', 'suppressed', 'resolved')),
  value text,
  sample integer not null,
  threshold real,
  at integer not null,
  notified integer not null check (notified in (0, 1)),
  cause text not null check (cause in ('ingest', 'timer', 'manual', 'human')),
  actor text,
  primary key (rule_id, scope_key, episode, ordinal)
) strict, without rowid;
-- pages of what happened, of all rules and of one
create index alert_transition_at on alert_transitions (at, rule_id, scope_key, episode, ordinal);
create index alert_transition_rule on alert_transitions (rule_id, at, scope_key, episode, ordinal);

-- Where alerts are told. The secret is kept as it is, because every delivery is signed with it: whoever reads the database can sign.
create table alert_channels (
  channel_id text not null primary key,
  url text not null,
  secret text not null,
  enabled integer not null check (enabled in (0, 1)),
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;

-- What is to be told, and what became of it. The bytes of the body are kept: every attempt sends the same.
create table alert_deliveries (
  delivery_id text not null primary key,
  transition text not null,
  rule_id text not null,
  channel_id text not null,
  payload blob not null,
  state text not null check (state in ('pending', 'delivered', 'dead')),
  attempts integer not null check (attempts >= 0),
  next_at integer,
  created_at integer not null,
  settled_at integer,
  last_error text,
  check ((state = 'pending') = (next_at is not null)),
  check ((state = 'pending') = (settled_at is null))
) strict, without rowid;
-- what is due to a channel, and when anything is due next
create index alert_delivery_due on alert_deliveries (channel_id, next_at, delivery_id) where next_at is not null;
create index alert_delivery_next on alert_deliveries (next_at) where next_at is not null;
-- pages of deliveries, all of them and those in one state
create index alert_delivery_made on alert_deliveries (created_at, delivery_id);
create index alert_delivery_state on alert_deliveries (state, created_at, delivery_id);
