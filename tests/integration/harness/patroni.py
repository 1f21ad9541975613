"""A private Patroni cluster: etcd and members that Patroni starts itself."""

import http.client
import json
import os
import shutil
import subprocess

import psycopg2

from .beacon import ROOT
from .postgres import BIN, PASSWORD, free_port, reachable_programs
from .tools import require
from .users import command_as_user, give, reachable
from .waiting import wait_for

_PLACE = os.path.join(ROOT, "build/tools/patroni")

_MEMBER = """scope: demo
name: {name}
restapi: {{listen: "127.0.0.1:{rest}", connect_address: "127.0.0.1:{rest}"}}
etcd: {{host: "127.0.0.1:{etcd}", protocol: http}}
bootstrap:
  dcs: {{ttl: 20, loop_wait: 1, retry_timeout: 3, maximum_lag_on_failover: 1048576,
         postgresql: {{use_pg_rewind: false, use_slots: true}}}}
  initdb: [{{encoding: UTF8}}, {{locale: C}}, no-sync]
postgresql:
  listen: "127.0.0.1:{port}"
  connect_address: "127.0.0.1:{port}"
  data_dir: "{folder}/{name}"
  bin_dir: "{bin}"
  pgpass: "{folder}/{name}.pgpass"
  pg_hba: ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
  parameters: {{unix_socket_directories: "{folder}", fsync: "off", shared_buffers: "16MB", max_connections: 40}}
  authentication:
    superuser: {{username: postgres, password: p}}
    replication: {{username: replicator, password: r}}
"""


class Member:
    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name
        self.rest, self.port = free_port(), free_port()
        self.process = None

    def start(self):
        path = os.path.join(self.cluster.folder, self.name + ".yml")
        with open(path, "w", encoding="ascii") as file:
            file.write(_MEMBER.format(name=self.name, rest=self.rest, port=self.port,
                                      etcd=self.cluster.etcd_port, folder=self.cluster.folder,
                                      bin=self.cluster.programs))
        give(path)
        modules = os.path.join(self.cluster.place, "usr/lib/python3/dist-packages")
        self.process = self.cluster.launch(
            ["/usr/bin/python3", os.path.join(self.cluster.place, "usr/bin/patroni"), path],
            self.name, PYTHONPATH=modules, PYTHONDONTWRITEBYTECODE="1")

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.rest, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def patch(self, **config):
        connection = http.client.HTTPConnection("127.0.0.1", self.rest, timeout=10)
        try:
            connection.request("PATCH", "/config", json.dumps(config))
            return connection.getresponse().status
        finally:
            connection.close()

    def state(self):
        try:
            return json.loads(self.get("/patroni"))
        except (OSError, ValueError, http.client.HTTPException):
            return {}

    def running(self, role):
        state = self.state()
        return state.get("state") == "running" and state.get("role") in role

    def url(self):
        return f"http://127.0.0.1:{self.rest}"

    def dsn(self, user="postgres"):
        return f"host=127.0.0.1 port={self.port} user={user} password='{PASSWORD}' dbname=postgres sslmode=disable"

    def query(self, sql):
        session = psycopg2.connect(self.dsn())
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)


class Cluster:
    """etcd and one leader; `follow()` adds a replica."""

    def __init__(self, folder):
        self.folder = folder
        self.place = reachable(require(_PLACE, "Patroni"), folder)
        self.programs = reachable_programs(BIN, folder)
        self.etcd_port = free_port()
        self.etcd = None
        self.members = []

    def launch(self, command, name, **environment):
        with open(os.path.join(self.folder, name + ".out"), "ab") as output:
            return subprocess.Popen(command_as_user(command), cwd=self.folder, stdin=subprocess.DEVNULL,
                                    stdout=output, stderr=output, env={**os.environ, **environment})

    def start(self):
        self.start_etcd()
        leader = self.add("one")
        wait_for(lambda: leader.running(("master", "primary")), "Patroni's leader", 90, 0.2)
        leader.query("create role beacon login in role pg_monitor")
        return self

    def start_etcd(self):
        client, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{free_port()}"
        self.etcd = self.launch(
            [os.path.join(self.place, "usr/bin/etcd"), "--data-dir", os.path.join(self.folder, "etcd"),
             "--listen-client-urls", client, "--advertise-client-urls", client,
             "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
             "--initial-cluster", f"default={peer}", "--enable-v2=true", "--unsafe-no-fsync"], "etcd",
            ETCD_UNSUPPORTED_ARCH="")

    def add(self, name):
        member = Member(self, name)
        member.start()
        self.members.append(member)
        return member

    def follow(self):
        replica = self.add("two")
        wait_for(lambda: replica.running(("replica",)), "Patroni's replica", 90, 0.2)
        return replica

    def stop(self):
        for member in reversed(self.members):
            member.stop()
        if self.etcd and self.etcd.poll() is None:
            self.etcd.kill()
            self.etcd.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
