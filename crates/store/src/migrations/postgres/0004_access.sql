-- Access: who may ask over HTTP, and what was changed over HTTP.
create table tokens (
  token text collate "C" primary key,
  purpose bigint not null,
  parent text collate "C",
  name text collate "C" not null,
  secret bytea not null,
  scopes text collate "C" not null,
  created_us bigint not null,
  expires_us bigint,
  revoked_us bigint,
  used_us bigint
);
-- sessions that a token opened
create index tokens_parent on tokens (parent) where parent is not null;
-- what ends by itself: login codes and sessions
create index tokens_passing on tokens (expires_us) where purpose > 0;

create table audit (
  entry bigint primary key,
  at_us bigint not null,
  token text collate "C" not null,
  method text collate "C" not null,
  route text collate "C" not null,
  path text collate "C" not null,
  request text collate "C" not null,
  status bigint
);
