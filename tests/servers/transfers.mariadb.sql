-- Galleons that go from one table to another while a backup reads: their sum is 25000000 at every moment.
create table bank (id int primary key, galleons bigint not null, pad char(200));
create table vault (id int primary key, galleons bigint not null);
insert into bank select seq, 1000, 'x' from seq_1_to_20000;
insert into vault select seq, 1000 from seq_1_to_5000;
create table goes_on (one int primary key);
insert into goes_on values (1);
delimiter ;;
-- Until the row of goes_on is gone.
create procedure transfer() begin
  declare a int; declare b int;
  while (select count(*) from goes_on) = 1 do
    set a = 1 + floor(rand() * 20000), b = 1 + floor(rand() * 5000);
    start transaction;
    update bank set galleons = galleons - 5 where id = a;
    update vault set galleons = galleons + 5 where id = b;
    commit;
  end while;
end;;
delimiter ;
