-- The warehouse's database and logins; sqlcmd puts the passwords in. May run again at any time.
IF DB_ID(N'vigie') IS NULL CREATE DATABASE vigie;
GO
ALTER DATABASE vigie SET READ_COMMITTED_SNAPSHOT ON WITH ROLLBACK IMMEDIATE;
ALTER DATABASE vigie SET ALLOW_SNAPSHOT_ISOLATION ON;
GO
IF NOT EXISTS (SELECT 1 FROM sys.sql_logins WHERE name = N'vigie_owner')
    CREATE LOGIN vigie_owner WITH PASSWORD = N'$(OWNER)', DEFAULT_DATABASE = vigie;
IF NOT EXISTS (SELECT 1 FROM sys.sql_logins WHERE name = N'vigie_stream')
    CREATE LOGIN vigie_stream WITH PASSWORD = N'$(STREAM)', DEFAULT_DATABASE = vigie;
IF NOT EXISTS (SELECT 1 FROM sys.sql_logins WHERE name = N'vigie_reader')
    CREATE LOGIN vigie_reader WITH PASSWORD = N'$(READER)', DEFAULT_DATABASE = vigie;
GO
-- Ends the sessions of drivers that were superseded.
GRANT VIEW SERVER STATE TO vigie_stream;
GRANT ALTER ANY CONNECTION TO vigie_stream;
GRANT VIEW SERVER STATE TO vigie_owner;
GO
USE vigie;
GO
IF USER_ID(N'vigie_owner') IS NULL CREATE USER vigie_owner FOR LOGIN vigie_owner;
IF USER_ID(N'vigie_stream') IS NULL CREATE USER vigie_stream FOR LOGIN vigie_stream;
IF USER_ID(N'vigie_reader') IS NULL CREATE USER vigie_reader FOR LOGIN vigie_reader;
ALTER ROLE db_owner ADD MEMBER vigie_owner;
GO
