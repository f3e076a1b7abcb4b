"""The one list of jars, and how they get into the jars folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from vigie.errors import StackError
from vigie.local.java import find_java
from vigie.local.lock import hold
from vigie.settings import get_settings


@dataclass(frozen=True)
class Artifact:
    """One Maven artefact; `transitive` brings what it needs at run time along."""

    group: str
    name: str
    version: str
    transitive: bool = False

    @property
    def jar(self) -> str:
        """The file name it is kept under."""
        return f"{self.name}-{self.version}.jar"


JARS: dict[str, tuple[Artifact, ...]] = {
    "kafka": (
        # 4.4.0 lists a dependency (kafka-tools-api) that cannot be had everywhere.
        Artifact("org.apache.kafka", "kafka_2.13", "4.3.1", transitive=True),
        # The broker's set has no binding for slf4j 1.7: without it the broker logs nothing.
        Artifact("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.4"),
    ),
    "spark": (
        # Spark's Kafka source, of pyspark's version. One by one, because its 4.2.0 dependency
        # list names a token provider that cannot be had everywhere.
        Artifact("org.apache.spark", "spark-sql-kafka-0-10_2.13", "4.2.0"),
        # Only its classes are needed (no Kerberos, no delegation tokens): the nearest version.
        Artifact("org.apache.spark", "spark-token-provider-kafka-0-10_2.13", "4.1.0-preview1"),
        # The client that version of the source was built against; the broker's is newer.
        Artifact("org.apache.kafka", "kafka-clients", "3.9.2"),
        # The source's pool of Kafka consumers.
        Artifact("org.apache.commons", "commons-pool2", "2.13.1"),
    ),
    "documents": (
        # Speaks MongoDB's protocol; it is not MongoDB, which no package registry has. BSD licence.
        Artifact("de.bwaldvogel", "mongo-java-server-h2-backend", "1.47.0", transitive=True),
    ),
    # Delta for jobs on the lake; a stream's driver does without. One by one: the rest of its
    # dependency list is other versions of what Spark brings.
    "delta": (
        Artifact("io.delta", "delta-spark_4.2_2.13", "4.4.0"),
        Artifact("io.delta", "delta-storage", "4.4.0"),
        Artifact("io.delta", "delta-kernel-api", "4.4.0"),
        Artifact("io.delta", "delta-kernel-defaults", "4.4.0"),
        Artifact("io.delta", "delta-kernel-unitycatalog", "4.4.0"),
        Artifact("io.unitycatalog", "unitycatalog-client", "0.6.0"),
        Artifact("io.unitycatalog", "unitycatalog-hadoop", "0.6.0"),
    ),
    # A NameNode and DataNode of the version whose client pyspark carries.
    "hdfs": (
        Artifact("org.apache.hadoop", "hadoop-common", "3.5.0", transitive=True),
        Artifact("org.apache.hadoop", "hadoop-hdfs", "3.5.0", transitive=True),
        Artifact("org.apache.hadoop", "hadoop-hdfs-client", "3.5.0", transitive=True),
    ),
}
STACK = ("kafka", "spark", "documents", "delta")
"""The sets that `vigie up` needs; only tests run an HDFS of their own."""


def spark_jars() -> list[Path]:
    """The jars a Spark session needs in `spark.jars`; `vigie up` fetches them."""
    return [get_settings().jars.absolute() / "spark" / artifact.jar for artifact in JARS["spark"]]


def is_complete(folder: Path) -> bool:
    """Whether a folder holds everything the list of its name asks for."""
    listed = folder / "complete.txt"
    if not listed.is_file():
        return False
    asked, _, files = listed.read_text().partition("\n\n")
    return asked == _asked(folder.name) and all((folder / f).is_file() for f in files.split())


def fetch_jars(names: Sequence[str] = STACK) -> list[str]:
    """Fetch the named sets that are not complete and return their names; safe side by side.

    Raises:
        StackError: Java is missing, or a jar cannot be had.
    """
    root = get_settings().jars.absolute()
    root.mkdir(parents=True, exist_ok=True)
    with hold(root / ".lock", wait=True):
        missing = [name for name in names if not is_complete(root / name)]
        if missing:
            with ThreadPoolExecutor(len(missing)) as pool:
                list(pool.map(_fetch_set, [root / name for name in missing]))
        shutil.rmtree(root / ".ivy", ignore_errors=True)
    return missing


def _fetch_set(folder: Path) -> None:
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for artifact in JARS[folder.name]:
        _fetch(artifact, partial)
    files = sorted(path.name for path in partial.iterdir())
    (partial / "complete.txt").write_text(_asked(folder.name) + "\n\n" + "\n".join(files) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(partial, folder)


def _fetch(artifact: Artifact, folder: Path) -> None:
    # A cache for each set: Ivy does not share one between processes.
    cache = folder.parent / ".ivy" / folder.name
    command = [str(find_java()), "-jar", str(_ivy()), "-cache", str(cache)]
    command += [] if artifact.transitive else ["-notransitive"]
    command += ["-dependency", artifact.group, artifact.name, artifact.version]
    command += ["-confs", "default", "-types", "jar", "bundle"]
    command += ["-retrieve", f"{folder}/[artifact]-[revision](-[classifier]).[ext]"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0 or not (folder / artifact.jar).is_file():
        told = [line.strip() for line in (result.stdout + result.stderr).splitlines()]
        last = "\n  ".join([line for line in told if line][-12:])
        message = (
            f"jar {artifact.jar}: could not be fetched from the Maven repository. Check the "
            f"network (a proxy goes into JAVA_TOOL_OPTIONS), then `vigie up` again.\n  {last}"
        )
        raise StackError(message)


def _ivy() -> Path:
    found = sorted((pyspark_folder() / "jars").glob("ivy-*.jar"))
    if not found:
        message = f"no ivy-*.jar in {pyspark_folder() / 'jars'}; run `make install` again"
        raise StackError(message)
    return found[-1]


def pyspark_folder() -> Path:
    """Where pyspark is installed: it serves as SPARK_HOME and carries Ivy.

    Raises:
        StackError: pyspark is not installed.
    """
    spec = find_spec("pyspark")
    if spec is None or not spec.submodule_search_locations:
        message = "pyspark is not installed; run `make install`"
        raise StackError(message)
    return Path(spec.submodule_search_locations[0])


def _asked(name: str) -> str:
    return "\n".join(f"{a.group}:{a.name}:{a.version}" for a in JARS[name])
