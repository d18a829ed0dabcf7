-- A database with what backups get wrong: every type, odd names, keys of all kinds, rows that break rules.
create table players (
  id int primary key auto_increment, wallet varchar(50) unique, galleons bigint not null,
  f float, d double, exact decimal(20, 6), u uuid, n inet6, g geometry, b bit(10), e enum('a', 'b'), s set('x', 'y'),
  dt datetime(6), ts timestamp(3) null, z date, j json, bl blob,
  more bigint generated always as (galleons + 1) stored, hidden int invisible default 4,
  l varchar(20) character set latin1, y year, t time(2));
set sql_mode='';
insert into players(wallet,galleons,f,d,exact,u,n,g,b,e,s,dt,ts,z,j,bl,l,y,t) values ('0xAbc',5,1.1,0.1,'12345678901234.123456',uuid(),'::1',st_geomfromtext('POINT(1 2)'),b'1010101010','b','x,y','2024-01-01 10:00:00.123456','2024-02-03 10:00:00.5','0000-00-00','{"a":1}',x'00090a5c27ff',_latin1 x'e9','2024','-10:00:00.25'),('0xdef',-7,3.4e38,1e-300,null,null,null,null,null,null,'',null,null,null,null,'','',null,null);
create table child(id bigint unsigned primary key, p int, constraint fkp foreign key (p) references players(id));
set foreign_key_checks=0;
insert into child values (18446744073709551615,1),(1,2),(3,77);
create table nokey(a int, b varchar(10)); insert into nokey values (1,'x'),(1,'x'),(2,null);
create table my(a varchar(20) primary key) engine=MyISAM; insert into my values('B'),('a'),('C');
create table `odd/na``me.%`(`key` int primary key, `sel"ect` text) comment 'x'; insert into `odd/na``me.%` values (-1, 'tab\tnl\n\\N'),(0,'\\N'),(5,'NULL');
create table part(id int, region int, primary key(id,region)) partition by list(region) (partition a values in (1), partition b values in (2));
insert into part values (1,1),(2,2),(3,1);
create table ft(id int primary key, body text, p point not null, fulltext key(body), spatial key(p), check (id > 0)); insert into ft values(1,'hello world',point(1,2));
create table comp(a varchar(10) character set utf8mb4, b int, c varbinary(5), primary key(a,b,c)); insert into comp values('b',2,x'00'),('b',1,x'0000'),('B2',1,''),('',0,x'ff'),('é',3,'z');
create table zero(id int primary key auto_increment, x int) auto_increment=500; insert into zero values(0,1),(7,2);
create table nums(a tinyint, b mediumint unsigned, c decimal(65,30), primary key(c)); insert into nums values(1,2,-1.5),(1,2,'99999999999999999999999999999999999.999999999999999999999999999999'),(3,4,0);
create table utf(a varchar(10) character set utf16 primary key, b text character set ucs2, c varchar(10) character set sjis); insert into utf values('é€','ü','日本');
create table en(e enum('1','0') , x int primary key); insert into en values('1',1),('0',2),('',3);
create table long1(id int primary key, l longtext); insert into long1 values (1, repeat('x', 3000000)), (2, '');
create table empty1(id int primary key);
create table hashed(id int, b blob, c int not null, unique (b), unique (id, c)); insert into hashed values (1,'abc',1),(2,repeat('z',70000),2),(3,null,3),(null,null,4),(null,null,4);
create table m1(a int, b char(3)) engine=MyISAM; insert into m1 values(1,'a'),(1,'a'); create table m2(a int, b char(3)) engine=MERGE union=(m1) insert_method=last;
create table ar(id int primary key, t text) engine=Aria; insert into ar values(1,'x'); create table arch(id int not null) engine=ARCHIVE; insert into arch values(1),(1); create table cs(id int not null, t varchar(20) not null) engine=CSV; insert into cs values(1,'a,"b\n');
create sequence sq; select nextval(sq);
create view v2 as select * from players; create view v1 as select * from v2; create view zz as select 1 a; create view aa as select * from zz;
delimiter ;;
create trigger tr before update on players for each row set new.d=2;;
create definer=ghost@'%' trigger tr0 before update on players for each row precedes tr set new.d=1;;
set @mode = @@sql_mode;; set sql_mode = 'ORACLE';;
create package pk as function f return int; end;;
create package body pk as function f return int as begin return 1; end; end;;
set sql_mode = @mode;;
create procedure pr() begin select 1; end;;
create function fn() returns int deterministic return 4;;
create event ev on schedule every 1 day do insert into nokey values(9,'ev');;
delimiter ;
