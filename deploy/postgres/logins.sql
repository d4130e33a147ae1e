-- Run once, when the database is made: three logins without rights of their own. `bottrader db grant` says what the roles
-- they are members of may do. No password stands here; psql reads each from its secret's file.
\set bot_password `cat /run/secrets/db_bot_password`
\set migrator_password `cat /run/secrets/db_migrator_password`
\set reader_password `cat /run/secrets/db_reader_password`
CREATE ROLE bot_rw NOLOGIN;
CREATE ROLE report_ro NOLOGIN;
CREATE ROLE migrator NOLOGIN;
CREATE ROLE bot LOGIN PASSWORD :'bot_password' IN ROLE bot_rw;
CREATE ROLE reader LOGIN PASSWORD :'reader_password' IN ROLE report_ro;
CREATE ROLE upgrader LOGIN PASSWORD :'migrator_password' IN ROLE migrator;
-- What the upgrade makes belongs to the role and not to the login; so no administrator is needed again.
ALTER ROLE upgrader SET role = migrator;
ALTER DATABASE bottrader OWNER TO migrator;
REVOKE ALL ON DATABASE bottrader FROM PUBLIC;
GRANT CONNECT ON DATABASE bottrader TO bot_rw, report_ro, migrator;
