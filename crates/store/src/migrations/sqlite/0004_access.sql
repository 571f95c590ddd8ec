-- Access: who may ask over HTTP, and what was changed over HTTP.
create table tokens (
  token text primary key,
  purpose integer not null,
  parent text,
  name text not null,
  secret blob not null,
  scopes text not null,
  created_us integer not null,
  expires_us integer,
  revoked_us integer,
  used_us integer
) strict, without rowid;
-- sessions that a token opened
create index tokens_parent on tokens (parent) where parent is not null;
-- what ends by itself: login codes and sessions
create index tokens_passing on tokens (expires_us) where purpose > 0;

create table audit (
  entry integer primary key,
  at_us integer not null,
  token text not null,
  method text not null,
  route text not null,
  path text not null,
  request text not null,
  status integer
) strict;
