#!/bin/sh
# Starts the broker of docker-compose.yaml, one node: every client logs in by SCRAM, and may do what
# it was granted. The first start formats the data folder, with the two users nobody could make
# later: `admin`, who makes the others (`vigie kafka users`), and `broker`, the node itself.
#
# The tests run this very script. Passwords go through files in a folder that nobody else may enter
# (in a container it is memory), and through no command line.
set -eu
libs=${KAFKA_LIBS:-/opt/kafka/libs}
data=${KAFKA_DATA:-/var/lib/kafka/data}
secrets=${KAFKA_SECRETS:-/run/secrets}
# Addresses that the broker listens at; what it tells clients of them; the controller's own, which
# nothing but this node reaches.
inside=${KAFKA_INSIDE:-:9092}
outside=${KAFKA_OUTSIDE:-:9094}
advertised=${KAFKA_ADVERTISED:-INSIDE://kafka:9092,OUTSIDE://127.0.0.1:9094}
controller=${KAFKA_CONTROLLER:-localhost:9093}

umask 077
made=$(mktemp -d)
# With a key and its certificate in PEM the port for the outside speaks TLS.
outside_protocol=SASL_PLAINTEXT
tls=
if [ -s "$secrets/kafka_certificate" ]; then
    outside_protocol=SASL_SSL
    tls="listener.name.outside.ssl.keystore.type=PEM
listener.name.outside.ssl.keystore.location=$secrets/kafka_certificate"
fi
admin=$(cat "$secrets/kafka_admin")
broker=$(cat "$secrets/kafka_broker")
scram="org.apache.kafka.common.security.scram.ScramLoginModule required"
plain="org.apache.kafka.common.security.plain.PlainLoginModule required"

cat > "$made/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@$controller
controller.listener.names=CONTROLLER
listeners=INSIDE://$inside,OUTSIDE://$outside,CONTROLLER://$controller
advertised.listeners=$advertised
listener.security.protocol.map=INSIDE:SASL_PLAINTEXT,OUTSIDE:$outside_protocol,CONTROLLER:SASL_PLAINTEXT
$tls
inter.broker.listener.name=INSIDE
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.inside.scram-sha-512.sasl.jaas.config=$scram username="broker" password="$broker";
listener.name.outside.scram-sha-512.sasl.jaas.config=$scram;
# Scram users stand in the controller's own log, so that the node cannot log in there with one.
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config=$plain username="broker" password="$broker" user_broker="$broker";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:admin;User:broker
log.dirs=$data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.message.timestamp.type=LogAppendTime
message.max.bytes=17825792
PROPERTIES

cat > "$made/log4j2.properties" <<'LOGGING'
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd HH:mm:ss.SSS} %p %c{1}: %m%n
logger.server.name = kafka.server
logger.server.level = INFO
# Said at each start, with every setting.
logger.config.name = kafka.server.KafkaConfig
logger.config.level = WARN
LOGGING

if [ ! -f "$data/meta.properties" ]; then
    # Java reads its whole command from the file.
    cat > "$made/format" <<FORMAT
-Xmx128m -cp "$libs/*" kafka.tools.StorageTool format
--cluster-id ${CLUSTER_ID:-dmlnaWUtY29yZS1jbHVzdA} --config $made/server.properties
--add-scram "SCRAM-SHA-512=[name=admin,password=$admin]"
--add-scram "SCRAM-SHA-512=[name=broker,password=$broker]"
FORMAT
    java "@$made/format"
fi
# shellcheck disable=SC2086  # several options
exec java ${KAFKA_HEAP_OPTS:--Xms512m -Xmx1g} "-Dlog4j2.configurationFile=$made/log4j2.properties" \
    -cp "$libs/*" kafka.Kafka "$made/server.properties"
