-- What people ordered: an intent before anything is done, an outcome after it was read back. Append-only; an intent without an outcome
-- says that the program ended meanwhile, or that the outcome could not be noted.
create table control_audit (
  audit_id text collate "C" not null,
  phase text collate "C" not null check (phase in ('intent', 'outcome')),
  at bigint not null,
  actor text collate "C" not null,
  remote_addr text collate "C" not null,
  forwarded_for text collate "C",
  action text collate "C" not null check (action in ('kill', 'spawn', 'model')),
  target text collate "C" not null,
  controller text collate "C" not null,
  dry_run bigint not null check (dry_run in (0, 1)),
  outcome text collate "C" check (outcome in ('confirmed', 'already_ended', 'unconfirmed', 'failed', 'refused', 'unsupported', 'dry_run')),
  final_state text collate "C",
  detail text collate "C",
  primary key (audit_id, phase),
  check ((phase = 'outcome') = (outcome is not null)),
  check (phase = 'outcome' or (final_state is null and detail is null))
);

-- the model for later sessions that was confirmed last
create index control_audit_model on control_audit (audit_id) where action = 'model' and outcome = 'confirmed';
