create table players (id integer primary key, name text not null unique, galleons integer not null check (galleons >= 0),
  luck real, avatar blob, note text, title text generated always as (name || ' the lucky') virtual,
  worth integer generated always as (galleons * 2) stored);
create table seats (match integer, slot integer, player integer references players (id), primary key (match, slot)) without rowid;
create table gains (player integer, before integer, after integer);
create trigger gained after update of galleons on players when new.galleons > old.galleons
  begin insert into gains values (new.id, old.galleons, new.galleons); end;
