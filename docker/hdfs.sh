#!/bin/sh
# Starts HDFS's NameNode or DataNode: hdfs.sh namenode|datanode. The tests run this very script.
# A NameNode without files makes them.
set -eu
part=$1
jars=${VIGIE_JARS:?}/hdfs
data=${HDFS_DATA:-/var/lib/hdfs}
namenode=${HDFS_NAMENODE:-namenode:8020}
# Where they listen; a NameNode tells nobody of its address, a DataNode the one that it is reached from.
listen=${HDFS_LISTEN:-0.0.0.0}
pages=${HDFS_PAGES:-9870}
blocks=${HDFS_BLOCKS:-9866}
block_pages=${HDFS_BLOCK_PAGES:-9864}
block_calls=${HDFS_BLOCK_CALLS:-9867}

made=$(mktemp -d)
# The servers look for the files of their pages, which the jars do not have.
mkdir -p "$made/webapps/hdfs" "$made/webapps/datanode"
property() { echo "<property><name>$1</name><value>$2</value></property>"; }
cat > "$made/core-site.xml" <<CORE
<configuration>$(property fs.defaultFS "hdfs://$namenode")</configuration>
CORE
cat > "$made/hdfs-site.xml" <<HDFS
<configuration>
$(property dfs.replication 1)
$(property dfs.namenode.name.dir "file://$data/name")
$(property dfs.datanode.data.dir "file://$data/data")
$(property dfs.namenode.rpc-bind-host "$listen")
$(property dfs.namenode.http-address "$listen:$pages")
$(property dfs.namenode.safemode.extension 0)
$(property dfs.namenode.datanode.registration.ip-hostname-check false)
$(property dfs.datanode.address "$listen:$blocks")
$(property dfs.datanode.http.address "$listen:$block_pages")
$(property dfs.datanode.ipc.address "$listen:$block_calls")
</configuration>
HDFS

server() {
    main=org.apache.hadoop.hdfs.server.$1
    shift
    # shellcheck disable=SC2086  # several options
    exec java ${HDFS_OPTS:--Xmx512m} -XX:+UseSerialGC --add-opens=java.base/java.lang=ALL-UNNAMED \
        -cp "$made:$jars/*" "$main" "$@"
}

case $part in
namenode)
    [ -d "$data/name/current" ] || (server namenode.NameNode -format -nonInteractive)
    server namenode.NameNode
    ;;
datanode)
    server datanode.DataNode
    ;;
*)
    echo "hdfs.sh: found '$part', expected namenode or datanode" >&2
    exit 2
    ;;
esac
