"""The size of every table, as PostgreSQL tells it."""

TABLE_SIZES = """
SELECT n.nspname || '.' || c.relname AS name, sum(pg_total_relation_size(t.relid)) AS bytes
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname IN ('dim', 'fact', 'ops')
CROSS JOIN LATERAL (SELECT c.oid AS relid WHERE c.relkind = 'r'
                    UNION ALL
                    SELECT p.relid FROM pg_partition_tree(c.oid) p WHERE c.relkind = 'p') t
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
GROUP BY 1
"""
"""A table with its months, indexes and TOAST, in bytes."""
