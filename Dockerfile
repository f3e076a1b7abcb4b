# One image for every Python role: streams, jobs, Airflow, registry, HTTP API, commands.
FROM python:3.11.13-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless procps \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home vigie \
    && install --directory --owner vigie /opt/vigie /var/lib/vigie /var/lib/mlflow /var/lib/hdfs

WORKDIR /opt/vigie
ENV PATH=/opt/vigie/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    VIGIE_STATE=/var/lib/vigie \
    VIGIE_JARS=/opt/vigie/.cache/jars \
    VIGIE_SECRETS=/run/secrets \
    PYSPARK_PYTHON=/opt/vigie/.venv/bin/python \
    PYSPARK_DRIVER_PYTHON=/opt/vigie/.venv/bin/python \
    SPARK_HOME=/opt/vigie/.venv/lib/python3.11/site-packages/pyspark

USER 10001

# What changes seldom comes first: packages, then jars, then the project itself.
COPY --chown=vigie requirements.txt requirements-uv.txt ./
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements-uv.txt \
    && .venv/bin/uv pip install --no-cache --python .venv/bin/python --require-hashes -r requirements.txt

COPY --chown=vigie pyproject.toml README.md LICENSE ./
COPY --chown=vigie include ./include
RUN .venv/bin/uv pip install --no-cache --python .venv/bin/python --no-deps -e . \
    && .venv/bin/python -c "from vigie.local.jars import fetch_jars; fetch_jars(('spark', 'delta', 'hdfs'))"

COPY --chown=vigie dags ./dags
COPY --chown=vigie plugins ./plugins
COPY --chown=vigie spark_apps ./spark_apps
COPY --chown=vigie warehouse_ddl ./warehouse_ddl

CMD ["vigie", "--help"]
