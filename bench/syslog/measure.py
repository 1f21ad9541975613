"""The same syslog traffic to pgbeacon and to rsyslog, one after the other."""

import argparse
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

TOOLS = os.environ["PGB_TOOLS"]
QUIET_SECONDS = 1.5
TICKS = os.sysconf("SC_CLK_TCK")
RSYSLOG = """
global(workDirectory="{folder}" maxMessageSize="64k" net.enableDNS="off")
module(load="impstats" interval="1" log.file="{folder}/stats" log.syslog="off" format="json" resetCounters="off")
module(load="imtcp" MaxSessions="20000")
module(load="imudp" TimeRequery="8" BatchSize="128")
input(type="imtcp" port="{tcp}" address="127.0.0.1" ruleset="sink")
input(type="imudp" port="{udp}" address="127.0.0.1" rcvbufSize="16m" ruleset="sink")
ruleset(name="sink" queue.type="FixedArray" queue.size="500000" queue.dequeueBatchSize="4096") {{
  action(type="omfile" name="sink" file="/dev/null")
}}
"""


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Program:
    """A receiver that runs in a folder of its own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="pgbeacon-bench-")
        self.tcp, self.udp = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
        command, environment = self.command()
        self.process = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=open(f"{self.folder}/log", "wb"))
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.tcp), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    with open(f"{self.folder}/log", encoding="utf-8") as log:
                        raise SystemExit(f"{command[0]} does not listen:\n{log.read()}") from None
                time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, key="VmRSS"):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(rf"{key}:\s+(\d+)", status.read())[1]) * 1024

    def drops(self):
        """Datagrams that the kernel threw away at our port."""
        with open("/proc/net/udp", encoding="ascii") as table:
            rows = [line.split() for line in table]
        return sum(int(row[-1]) for row in rows if row[1].endswith(f":{self.udp:04X}"))

    def settle(self, wanted):
        """Waits until all has been taken, or nothing more is; the time when the last was."""
        last, since = self.taken(), time.monotonic()
        while last < wanted and time.monotonic() - since < QUIET_SECONDS:
            time.sleep(0.05)
            now = self.taken()
            if now != last:
                last, since = now, time.monotonic()
        return since if last < wanted else time.monotonic()


class Pgbeacon(Program):
    name = "pgbeacon"

    def __init__(self, binaries):
        self.binary = os.path.join(binaries, "pgbeacon")
        self.http = free_port(socket.SOCK_STREAM)
        super().__init__()

    def command(self):
        return [self.binary, "serve", "--web.listen-address", f"127.0.0.1:{self.http}", "--state.dir",
                f"{self.folder}/state", "--source.syslog-tcp", f"127.0.0.1:{self.tcp}", "--source.syslog-udp",
                f"127.0.0.1:{self.udp}"], {}

    def page(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=30) as page:
            return page.read().decode()

    def taken(self):
        return sum(int(float(value)) for value in
                   re.findall(r"^pgbeacon_source_lines_total\{.*\} (\S+)$", self.page(), re.MULTILINE))


class Rsyslog(Program):
    name = "rsyslog"

    def command(self):
        place = os.path.join(TOOLS, "rsyslog", "usr")
        modules = glob.glob(os.path.join(place, "lib", "*", "rsyslog"))[0]
        with open(f"{self.folder}/conf", "w", encoding="utf-8") as conf:
            conf.write(RSYSLOG.format(folder=self.folder, tcp=self.tcp, udp=self.udp))
        return [os.path.join(place, "sbin", "rsyslogd"), "-n", "-M", modules, "-f", f"{self.folder}/conf", "-i",
                f"{self.folder}/pid"], {"LD_LIBRARY_PATH": os.path.dirname(modules)}

    def taken(self):
        try:
            with open(f"{self.folder}/stats", encoding="utf-8") as stats:
                found = re.findall(r'"name": ?"sink", "origin": ?"core.action", "processed": ?(\d+)', stats.read())
        except FileNotFoundError:
            return 0
        return int(found[-1]) if found else 0


def load(binaries, *words):
    done = subprocess.run([os.path.join(binaries, "pgb_syslog_load"), *map(str, words)], stdout=subprocess.PIPE,
                          check=True)
    return json.loads(done.stdout)


def traffic(program, binaries, lines, *words):
    """One burst, and what it took until all of it was counted."""
    taken, cpu, drops, started = program.taken(), program.cpu(), program.drops(), time.monotonic()
    sent = load(binaries, *words, "--lines", lines)
    ended = program.settle(taken + lines)
    got = program.taken() - taken
    return {"lines": got, "lost": lines - got, "kernel": program.drops() - drops,
            "sent": lines / sent["seconds"], "seconds": ended - started, "cpu": program.cpu() - cpu}


def idle(program, binaries, connections):
    """Bytes of memory that a connection without traffic takes."""
    before = program.memory()
    sender = subprocess.Popen([os.path.join(binaries, "pgb_syslog_load"), "--tcp", f"127.0.0.1:{program.tcp}",
                               "--connections", str(connections), "--hold", "3"], stdout=subprocess.PIPE)
    sender.stdout.readline()
    time.sleep(1)
    grown = program.memory() - before
    sender.wait()
    return grown / connections


def measure(program, binaries, options):
    tcp, udp = f"127.0.0.1:{program.tcp}", f"127.0.0.1:{program.udp}"
    rows = {
        "TCP, 1 connection": traffic(program, binaries, options.lines, "--tcp", tcp),
        "TCP, 1,000 connections": traffic(program, binaries, options.lines, "--tcp", tcp, "--connections", 1000),
        f"UDP, {options.udp_rate:,}/s": traffic(program, binaries, options.udp_rate * options.udp_seconds,
                                                "--udp", udp, "--rate", options.udp_rate),
    }
    for name, row in rows.items():
        row["name"] = f"{program.name}: {name}"
    per_connection = idle(program, binaries, options.idle)
    print(f"{program.name}: {per_connection:,.0f} bytes for each of {options.idle:,} idle connections, "
          f"peak of memory {program.memory('VmHWM') >> 20} MiB")
    return rows.values()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", required=True)
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--udp-rate", type=int, default=300_000)
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    options.udp_seconds = 10
    if options.smoke:
        options.lines, options.udp_rate, options.idle, options.udp_seconds = 200_000, 50_000, 500, 1
    rows = []
    for make in (lambda: Pgbeacon(options.binaries), Rsyslog):
        with make() as program:
            rows += measure(program, options.binaries, options)
    print("\n| traffic | lines taken | lost | kernel drops | sent lines/s | taken lines/s | CPU s | lines/CPU s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in rows:
        print(f"| {row['name']} | {row['lines']:,} | {row['lost']:,} | {row['kernel']:,} | {row['sent']:,.0f} | "
              f"{row['lines'] / row['seconds']:,.0f} | {row['cpu']:.2f} | {row['lines'] / max(row['cpu'], .01):,.0f} |")


if __name__ == "__main__":
    main()
