-- Collections: what their records say now, computed from the records of kind `collection` and `collection.members`.
create table collections (
  collection bytea primary key,
  definition bigint not null unique,
  revision bigint not null,
  name text collate "C",
  about text collate "C" not null,
  filter text collate "C",
  members bigint,
  living bigint not null
);
-- names of living collections
create unique index collections_name on collections (name) where living = 1 and name is not null;

create table collection_members (
  definition bigint not null,
  asset bigint not null,
  primary key (definition, asset)
);
