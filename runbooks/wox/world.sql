-- The Wizards of X game database, as its procedures see it. The tests beside this file and the demo make their worlds
-- from it. Times are whole seconds since 1970; galleons are whole; token amounts are decimal texts of the smallest unit.
create table players (
  id integer primary key,
  wallet text not null unique,
  name text not null,
  galleons integer not null check (galleons >= 0),
  withdrawable_galleons integer not null default 0 check (withdrawable_galleons >= 0),
  wins integer not null default 0,
  losses integer not null default 0,
  created_at integer not null
);

-- What a player ever gained and spent: kept by the triggers below, never written by the game itself.
create table player_totals (
  player_id integer primary key references players (id),
  gained integer not null default 0,
  spent integer not null default 0
);

create table active_duels (
  id integer primary key,
  player_a integer not null references players (id),
  player_b integer not null references players (id),
  stake integer not null check (stake >= 0),
  status text not null check (status in ('active', 'ended')),
  started_at integer not null,
  last_move_at integer not null,
  ended_at integer
);

create table duel_moves (
  id integer primary key,
  duel_id integer not null references active_duels (id),
  player_id integer not null references players (id),
  spell text not null,
  at integer not null
);

create table ledger (
  id integer primary key,
  player_id integer not null references players (id),
  amount integer not null,
  kind text not null,
  reference text not null,
  created_at integer not null
);

create table tournaments (
  id integer primary key,
  name text not null,
  status text not null check (status in ('open', 'running', 'finished', 'cancelled')),
  prize_pool integer not null check (prize_pool >= 0),
  started_at integer
);

create table tournament_matches (
  id integer primary key,
  tournament_id integer not null references tournaments (id),
  round integer not null,
  slot integer not null,
  player_a integer references players (id),
  player_b integer references players (id),
  winner integer references players (id),
  status text not null check (status in ('waiting', 'running', 'finished')),
  unique (tournament_id, round, slot)
);

create table tournament_prizes (
  id integer primary key,
  tournament_id integer not null references tournaments (id),
  place integer not null,
  player_id integer references players (id),
  amount integer not null check (amount >= 0),
  status text not null check (status in ('open', 'paid')),
  unique (tournament_id, place)
);

create table deposits (
  id integer primary key,
  player_id integer not null references players (id),
  tx_hash text not null unique,
  amount integer not null check (amount > 0),
  status text not null check (status in ('seen', 'credited', 'refused')),
  at integer not null
);

create table withdrawal_requests (
  id integer primary key,
  player_id integer not null references players (id),
  wallet text not null,
  amount integer not null check (amount > 0),
  token_amount text not null,
  status text not null check (status in ('requested', 'sent', 'failed', 'completed', 'reversed')),
  tx_hash text,
  nonce integer,
  requested_at integer not null,
  updated_at integer
);

create table burn_queue (
  id integer primary key,
  tx_hash text not null,
  amount integer not null check (amount > 0),
  status text not null check (status in ('queued', 'burnt', 'failed')),
  queued_at integer not null
);

create table processed_transactions (
  tx_hash text primary key,
  kind text not null,
  amount integer not null,
  processed_at integer not null
) without rowid;

create table game_config (
  key text primary key,
  value text not null
);

create index duels_by_last_move on active_duels (status, last_move_at);
create index moves_by_duel on duel_moves (duel_id, at);
create index ledger_by_reference on ledger (reference, kind);
create index withdrawals_by_status on withdrawal_requests (status, requested_at);

create view balances as
  select p.id, p.name, p.wallet, p.galleons, p.withdrawable_galleons, p.galleons + p.withdrawable_galleons as total,
         (select coalesce(sum(l.amount), 0) from ledger l where l.player_id = p.id) as booked
  from players p;

create trigger player_arrives after insert on players begin
  insert into player_totals (player_id, gained) values (new.id, new.galleons);
end;

create trigger player_gains after update of galleons on players when new.galleons > old.galleons begin
  update player_totals set gained = gained + new.galleons - old.galleons where player_id = new.id;
end;

create trigger player_spends after update of galleons on players when new.galleons < old.galleons begin
  update player_totals set spent = spent + old.galleons - new.galleons where player_id = new.id;
end;
