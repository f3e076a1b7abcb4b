"""What Spark must be told for Delta; needs no pyspark, since a DAG file names it too."""

from __future__ import annotations

from vigie.settings import get_settings

JAR_SETS = ("spark", "delta")
OPTIONS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # The defaults are for tables of millions of files: 50 tasks to read a log, 10,000 to list.
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    # Spark makes one method of a whole plan, longer than what Java compiles unless told to.
    "spark.driver.extraJavaOptions": "-XX:-DontCompileHugeMethods -XX:+UseSerialGC",
    "spark.ui.enabled": "false",
}


def submit_options() -> dict[str, str]:
    """The same for spark-submit, with the jars."""
    root = get_settings().jars.absolute()
    jars = sorted(str(jar) for name in JAR_SETS for jar in (root / name).glob("*.jar"))
    return {**OPTIONS, "spark.jars": ",".join(jars)}
