-- Collections: what their records say now, computed from the records of kind `collection` and `collection.members`.
create table collections (
  collection blob primary key,
  definition integer not null unique,
  revision integer not null,
  name text,
  about text not null,
  filter text,
  members integer,
  living integer not null
) strict, without rowid;
-- names of living collections
create unique index collections_name on collections (name) where living = 1 and name is not null;

create table collection_members (
  definition integer not null,
  asset integer not null,
  primary key (definition, asset)
) strict, without rowid;
