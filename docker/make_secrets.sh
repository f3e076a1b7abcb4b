#!/usr/bin/env bash
# Makes the secrets of docker-compose.yaml, a file each, in a folder that only its owner can enter.
# What is there stays.
set -euo pipefail
umask 022
folder=${1:-"$(dirname "$0")/../.secrets"}
docker=$(cd "$(dirname "$0")" && pwd)
# The folder is its owner's alone; the files are not, since a container reads them as another user.
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

# Letters and digits only, as they go into URLs; `Aa1` meets SQL Server's rule for passwords.
word() { [ -s "$1" ] || printf 'Aa1%s' "$(head -c 2048 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9' | head -c "$2")" > "$1"; }
text() { [ -s "$1" ] || printf '%s' "$2" > "$1"; }

for name in mssql_sa vigie_owner vigie_stream vigie_reader metadata_postgres metadata_airflow metadata_mlflow mongo_root mongo_vigie; do
    word "$name" 29
done
for user in admin broker ingest simulator stream airflow exporter; do
    word "kafka_$user" 29
done
word airflow_jwt 77
word airflow_api 37
word airflow_admin 17
word grafana_admin 17
text airflow_fernet "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')"
text vigie_spark_rest_key "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d =)"
text spark_conf "$(cat "$docker/spark.conf")
spark.master.rest.filters org.apache.spark.ui.JWSFilter
spark.org.apache.spark.ui.JWSFilter.param.secretKey $(cat vigie_spark_rest_key)
spark.deploy.recoveryMode ROCKSDB
spark.deploy.recoveryDirectory /var/lib/vigie/spark-recovery
spark.deploy.recoveryTimeout 15s
"
# Kafka's watcher in Airflow has the login in its connection.
text airflow_connections "{\"kafka_alerts\": {\"conn_type\": \"kafka\", \"extra_dejson\": {
    \"bootstrap.servers\": \"kafka:9092\",
    \"security.protocol\": \"SASL_PLAINTEXT\",
    \"sasl.mechanism\": \"SCRAM-SHA-512\",
    \"sasl.username\": \"airflow\",
    \"sasl.password\": \"$(cat kafka_airflow)\",
    \"group.id\": \"notify_alerts.watcher\",
    \"enable.auto.commit\": false,
    \"auto.offset.reset\": \"earliest\"}}}
"
# A key and its certificate in PEM, put here, have the port of the machine speak TLS.
touch kafka_certificate

for role in warehouse:vigie_stream warehouse_owner:vigie_owner warehouse_reader:vigie_reader; do
    login=${role#*:}
    text "vigie_${role%%:*}" "mssql+pymssql://$login:$(cat "$login")@sqlserver:1433/vigie?charset=utf8"
done
text vigie_documents "mongodb://vigie:$(cat mongo_vigie)@mongodb:27017/vigie?authSource=vigie"
: > no_documents
text airflow_database "postgresql+psycopg2://airflow:$(cat metadata_airflow)@metadata:5432/airflow"
text vigie_airflow_database "$(cat airflow_database)"
text mlflow_database "postgresql+psycopg2://mlflow:$(cat metadata_mlflow)@metadata:5432/mlflow"
echo "secrets are in $(pwd); Airflow's user admin has the password in airflow_admin, Grafana's in grafana_admin"
