"""Names that the grammar lets pass as calls and types, and what SQL Server 2019 makes of them."""

from __future__ import annotations

# Functions called by name alone are built in: a function of one's own is called by its schema.
_FUNCTIONS = """
abs acos approx_count_distinct ascii asin atan atn2 avg binary_checksum ceiling char charindex
checksum checksum_agg choose col_length col_name columnproperty compress concat concat_ws cos
cot count count_big cume_dist database_principal_id datalength dateadd datediff datediff_big
datefromparts datename datepart datetime2fromparts datetimefromparts datetimeoffsetfromparts day
db_id db_name decompress degrees dense_rank difference eomonth error_line error_message
error_number error_procedure error_severity error_state exp fetch_status first_value floor
format formatmessage get_filestream_transaction_context getdate getutcdate grouping grouping_id
has_perms_by_name hashbytes host_name ident_current indexproperty isdate isjson isnull isnumeric
is_member is_rolemember json_modify json_query json_value lag last_value lead len log log10
lower ltrim max min month nchar newid newsequentialid ntile object_definition object_id
object_name object_schema_name objectproperty objectpropertyex original_login parsename patindex
percent_rank percentile_cont percentile_disc pi power quotename radians rand rank replace
replicate reverse round row_number rowcount_big rtrim schema_id schema_name scope_identity
serverproperty session_context sessionproperty sign sin smalldatetimefromparts soundex space
sqrt square stats_date stdev stdevp str string_agg string_escape stuff substring sum suser_sname
switchoffset sysdatetime sysdatetimeoffset sysutcdatetime tan timefromparts todatetimeoffset
translate trim type_id type_name unicode upper user_id user_name var varp xact_state year
"""
FUNCTIONS = frozenset(_FUNCTIONS.split())
TABLE_FUNCTIONS = frozenset(["string_split", "openjson", "fn_listextendedproperty"])
_NEWER = """
approx_percentile_cont approx_percentile_disc base64_decode base64_encode bit_count current_date
date_bucket datetrunc edit_distance edit_distance_similarity generate_series get_bit greatest
is_distinct jaro_winkler_distance json_array json_arrayagg json_contains json_object
json_objectagg json_path_exists least left_shift product regexp_count regexp_instr regexp_like
regexp_matches regexp_replace regexp_split_to_table regexp_substr right_shift set_bit unistr
vector_distance
"""
NEWER = frozenset(_NEWER.split())
"""Functions of SQL Server 2022 and later."""
OLD_TYPES = frozenset(["text", "ntext", "image", "timestamp", "datetime"])
"""Types that 2019 still has and no new table should."""
