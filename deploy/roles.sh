#!/bin/sh
# Run once by PostgreSQL's image, when its volume is empty: the three roles of docs/many-machines.md.
set -eu
psql -v ON_ERROR_STOP=1 -v owner="$JUDGEBENCH_OWNER_PASSWORD" -v writer="$JUDGEBENCH_WRITER_PASSWORD" \
  -v reader="$JUDGEBENCH_READER_PASSWORD" --username postgres --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE judgebench_owner LOGIN PASSWORD :'owner';
CREATE ROLE judgebench_writer LOGIN PASSWORD :'writer';
CREATE ROLE judgebench_reader LOGIN PASSWORD :'reader';
GRANT USAGE, CREATE ON SCHEMA public TO judgebench_owner;
GRANT USAGE ON SCHEMA public TO judgebench_writer, judgebench_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE judgebench_owner IN SCHEMA public GRANT SELECT ON TABLES TO judgebench_writer, judgebench_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE judgebench_owner IN SCHEMA public GRANT INSERT, UPDATE, DELETE ON TABLES TO judgebench_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE judgebench_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO judgebench_writer;
SQL
