-- Alerts: rules, how each of their instances stands, what happened, and what is told to whom. Operation tables: no rebuild touches them.

-- Sessions by their end: percentiles and failure rates look at a stretch of time. The end is the one that was told; where none was, it is
-- the newest moment that anything says of the session. Bounded, so that no runtime can overflow. It holds all columns that are looked at.
create index session_ended on session_ledger (
  (coalesce(ended_at, greatest(last_activity_at, started_at + least(runtime_ms, 1000000000000) * 1000))),
  agent_key, model_key, status, ended_at, runtime_ms, session_key
) where status not in ('queued', 'running');

create table alert_rules (
  rule_id text collate "C" not null primary key,
  enabled bigint not null check (enabled in (0, 1)),
  metric text collate "C" not null check (metric in ('daily_cost_usd', 'runtime_p95_ms', 'failure_rate', 'rolling_cost_usd')),
  scope_type text collate "C" not null check (scope_type in ('global', 'agent', 'model', 'agent_model')),
  scope_agent text collate "C",
  scope_model text collate "C",
  warn_threshold double precision not null,
  critical_threshold double precision not null,
  time_window text collate "C" not null check (time_window in ('5m', '1h', '24h', '7d')),
  comparison text collate "C" not null check (comparison in ('gt', 'gte')),
  cooldown_sec bigint not null check (cooldown_sec >= 0),
  name text collate "C",
  hysteresis_pct double precision not null,
  min_sample bigint not null check (min_sample >= 0),
  no_data text collate "C" not null check (no_data in ('resolve', 'keep', 'alert')),
  time_zone text collate "C" not null,
  channels text collate "C" not null,
  created_at bigint not null,
  updated_at bigint not null,
  deleted_at bigint,
  silenced_until bigint,
  check (critical_threshold >= warn_threshold)
);

create table alert_state (
  rule_id text collate "C" not null,
  scope_key text collate "C" not null,
  scope_json text collate "C" not null,
  status text collate "C" not null check (status in ('ok', 'warning', 'critical')),
  lifecycle_state text collate "C" not null check (lifecycle_state in ('active', 'suppressed', 'resolved')),
  suppressed_until bigint,
  silenced_until bigint,
  acked_at bigint,
  acked_by text collate "C",
  last_value text collate "C",
  last_sample bigint not null,
  last_evaluated_at bigint not null,
  last_transition_at bigint not null,
  last_notified_at bigint,
  opened_at bigint,
  resolved_at bigint,
  episode bigint not null check (episode >= 0),
  ordinal bigint not null check (ordinal >= 0),
  active_fp bytea,
  deduped bigint not null check (deduped in (0, 1)),
  primary key (rule_id, scope_key),
  check ((status = 'ok') = (lifecycle_state = 'resolved')),
  check ((status = 'ok') = (active_fp is null))
);
-- what stands, and what ended a short while ago
create index alert_state_status on alert_state (status, last_transition_at);
create index alert_state_lifecycle on alert_state (lifecycle_state, suppressed_until);

-- What happened. Append-only.
create table alert_transitions (
  rule_id text collate "C" not null,
  scope_key text collate "C" not null,
  episode bigint not null check (episode >= 1),
  ordinal bigint not null check (ordinal >= 1),
  kind text collate "C" not null check (kind in ('open', 'escalate', 'deescalate', 'suppress', 'renotify', 'resolve', 'ack', 'silence', 'close')),
  from_status text collate "C" not null check (from_status in ('ok', 'warning', 'critical')),
  from_lifecycle text collate "C" not null check (from_lifecycle in ('active', 'suppressed', 'resolved')),
  to_status text collate "C" not null check (to_status in ('ok', 'warning', 'critical')),
  to_lifecycle text collate "C" not null check (to_lifecycle in ('active', 'suppressed', 'resolved')),
  value text collate "C",
  sample bigint not null,
  threshold double precision,
  at bigint not null,
  notified bigint not null check (notified in (0, 1)),
  cause text collate "C" not null check (cause in ('ingest', 'timer', 'manual', 'human')),
  actor text collate "C",
  primary key (rule_id, scope_key, episode, ordinal)
);
-- pages of what happened, of all rules and of one
create index alert_transition_at on alert_transitions (at, rule_id, scope_key, episode, ordinal);
create index alert_transition_rule on alert_transitions (rule_id, at, scope_key, episode, ordinal);

-- Where alerts are told. The secret is kept as it is, because every delivery is signed with it: whoever reads the database can sign.
create table alert_channels (
  channel_id text collate "C" not null primary key,
  url text collate "C" not null,
  secret text collate "C" not null,
  enabled bigint not null check (enabled in (0, 1)),
  created_at bigint not null,
  updated_at bigint not null
);

-- What is to be told, and what became of it. The bytes of the body are kept: every attempt sends the same.
create table alert_deliveries (
  delivery_id text collate "C" not null primary key,
  transition text collate "C" not null,
  rule_id text collate "C" not null,
  channel_id text collate "C" not null,
  payload bytea not null,
  state text collate "C" not null check (state in ('pending', 'delivered', 'dead')),
  attempts bigint not null check (attempts >= 0),
  next_at bigint,
  created_at bigint not null,
  settled_at bigint,
  last_error text collate "C",
  check ((state = 'pending') = (next_at is not null)),
  check ((state = 'pending') = (settled_at is null))
);
-- what is due to a channel, and when anything is due next
create index alert_delivery_due on alert_deliveries (channel_id, next_at, delivery_id) where next_at is not null;
create index alert_delivery_next on alert_deliveries (next_at) where next_at is not null;
-- pages of deliveries, all of them and those in one state
create index alert_delivery_made on alert_deliveries (created_at, delivery_id);
create index alert_delivery_state on alert_deliveries (state, created_at, delivery_id);
