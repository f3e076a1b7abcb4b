-- Who may load and who may read, once the migrations have made the roles.
USE vigie;
GO
ALTER ROLE vigie_ingest ADD MEMBER vigie_stream;
ALTER ROLE vigie_report ADD MEMBER vigie_reader;
GO
