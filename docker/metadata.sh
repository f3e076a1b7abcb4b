#!/bin/bash
# Runs once, in a new metadata database: a role and a database each for Airflow and MLflow.
set -euo pipefail
for name in airflow mlflow; do
    psql --username postgres --set ON_ERROR_STOP=1 --set name="$name" \
        --set secret="$(cat "/run/secrets/metadata_$name")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'secret';
CREATE DATABASE :"name" OWNER :"name";
SQL
done
