-- What SQL Server has beside the tables: added to the database that stands behind the endpoint.
CREATE SCHEMA sys;
CREATE SCHEMA tsql;
GRANT USAGE ON SCHEMA sys, tsql TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA sys GRANT SELECT ON TABLES TO PUBLIC;

CREATE FUNCTION tsql.version() RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT 'Microsoft SQL Server 2019 - 15.0.2000.5: spoken, not run. PostgreSQL behind a test endpoint' $$;

CREATE FUNCTION tsql.object_id(name text) RETURNS integer LANGUAGE sql STABLE AS
$$ SELECT to_regclass(translate(name, '[]', ''))::oid::integer $$;

CREATE FUNCTION tsql.schema_id(name text) RETURNS integer LANGUAGE sql STABLE AS
$$ SELECT to_regnamespace(name)::oid::integer $$;

CREATE FUNCTION tsql.type_name(number integer) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE number WHEN 20 THEN 'bigint' WHEN 23 THEN 'int' WHEN 21 THEN 'smallint' WHEN 16 THEN 'bit'
     WHEN 701 THEN 'float' WHEN 1184 THEN 'datetime2' WHEN 1082 THEN 'date' WHEN 17 THEN 'varbinary'
     WHEN 25 THEN 'nvarchar' END $$;

CREATE FUNCTION tsql.steps(moment timestamptz, size bigint) RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT floor(floor(extract(epoch FROM moment) * 1000) / size)::bigint $$;

-- DATEADD takes a 32-bit number, and so does this.
CREATE FUNCTION tsql.moved(moment timestamptz, number bigint, size bigint) RETURNS timestamptz
LANGUAGE sql STABLE AS $$ SELECT moment + number::integer * size * interval '1 millisecond' $$;

-- PERCENTILE_CONT as SQL Server has it, over a window; the share is the state's first element.
CREATE FUNCTION tsql.collect(state float8[], value float8, share float8) RETURNS float8[]
LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN value IS NULL THEN coalesce(state, ARRAY[share])
               ELSE coalesce(state, ARRAY[share]) || value END $$;
CREATE FUNCTION tsql.interpolate(state float8[]) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT percentile_cont(state[1]) WITHIN GROUP (ORDER BY value) FROM unnest(state[2:]) AS value $$;
CREATE AGGREGATE tsql.percentile(float8, float8) (
    sfunc = tsql.collect, stype = float8[], finalfunc = tsql.interpolate
);

-- A bit is a number: it takes 0 and 1, compares with them and becomes a float.
UPDATE pg_cast SET castcontext = 'a'
WHERE castsource = 'integer'::regtype AND casttarget = 'boolean'::regtype;
CREATE FUNCTION tsql.same(a boolean, b integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$ SELECT a::integer = b $$;
CREATE OPERATOR public.= (LEFTARG = boolean, RIGHTARG = integer, FUNCTION = tsql.same);
CREATE FUNCTION tsql.other(a boolean, b integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$ SELECT a::integer <> b $$;
CREATE OPERATOR public.<> (LEFTARG = boolean, RIGHTARG = integer, FUNCTION = tsql.other);
CREATE FUNCTION tsql.as_float(a boolean) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT a::integer::float8 $$;
CREATE CAST (boolean AS float8) WITH FUNCTION tsql.as_float(boolean);

CREATE VIEW sys.columns AS
SELECT a.attrelid::integer AS object_id, a.attname::text AS name, a.attnum::integer AS column_id,
       a.atttypid::integer AS system_type_id, a.atttypid::integer AS user_type_id,
       (-1)::smallint AS max_length, 3::smallint AS scale, NULL::text AS collation_name,
       a.attidentity <> '' AS is_identity, NOT a.attnotnull AS is_nullable,
       coalesce((SELECT d.oid::integer FROM pg_attrdef d
                 WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum), 0) AS default_object_id
FROM pg_attribute a WHERE a.attnum > 0 AND NOT a.attisdropped;

CREATE VIEW sys.indexes AS
SELECT i.indrelid::integer AS object_id, i.indexrelid::integer AS index_id,
       i.indisprimary AS is_primary_key
FROM pg_index i;

CREATE VIEW sys.index_columns AS
SELECT i.indrelid::integer AS object_id, i.indexrelid::integer AS index_id,
       k.number::integer AS column_id, k.place::integer AS key_ordinal
FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (number, place);

CREATE VIEW sys.system_views AS SELECT 'dm_exec_sessions'::text AS name;

CREATE VIEW sys.dm_exec_sessions AS
SELECT pid AS session_id, backend_start AS login_time, application_name AS program_name,
       2::smallint AS transaction_isolation_level
FROM pg_stat_activity WHERE datname = current_database();

-- Every month has a place in SQL Server; here the default partition is it.
DO $$
DECLARE it regclass;
BEGIN
    FOR it IN SELECT oid FROM pg_class
              WHERE relkind = 'p' AND relnamespace = 'fact'::regnamespace LOOP
        EXECUTE format('CREATE TABLE %s_default PARTITION OF %s DEFAULT', it, it);
    END LOOP;
END $$;

-- The heaps that rows are loaded through; the alerts of each feed have one of their own.
DO $$
DECLARE it name;
BEGIN
    FOR it IN SELECT relname FROM pg_class
              WHERE relkind = 'p' AND relnamespace = 'fact'::regnamespace AND relname <> 'alert' LOOP
        EXECUTE format('CREATE TABLE stage.%I AS SELECT *, 0::bigint AS row_number FROM fact.%I '
                       'WITH NO DATA', it || '_load', it);
        IF it LIKE '%\_reading' THEN
            EXECUTE format('CREATE TABLE stage.%I AS SELECT *, 0::bigint AS row_number '
                           'FROM fact.alert WITH NO DATA',
                           replace(it, '_reading', '_alert_load'));
        END IF;
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA stage TO vigie_ingest;
GRANT SELECT ON ALL TABLES IN SCHEMA sys TO PUBLIC;
CREATE FUNCTION tsql.millisecond(moment timestamptz) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$ SELECT (floor(extract(epoch FROM moment) * 1000)::bigint % 1000)::integer $$;

-- Times have milliseconds.
CREATE FUNCTION tsql.clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS
$$ SELECT date_trunc('milliseconds', clock_timestamp()) $$;
DO $$
DECLARE it record;
BEGIN
    FOR it IN SELECT adrelid::regclass AS place, attname FROM pg_attrdef
              JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
              WHERE pg_get_expr(adbin, adrelid) = 'now()' LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT tsql.clock()',
                       it.place, it.attname);
    END LOOP;
END $$;
