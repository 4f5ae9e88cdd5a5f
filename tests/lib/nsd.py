# SPDX-License-Identifier: ISC
"""A private nsd on 127.0.0.1 for one zone; "" is the root, and all below it.

    with Nsd("test", "far MX 10 a.hosts\\n...") as dns:
        dns.setting()       # for veredus.conf
        dns.stop(); dns.start()
"""

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time

from instance import free_ports

HEAD = """$ORIGIN %s.
$TTL 60
@ SOA ns root 1 3600 600 86400 1
@ NS ns
ns A 127.0.0.1
"""
CONF = """server:
  ip-address: 127.0.0.1@%d
  username: ""
  chroot: ""
  zonesdir: "%s"
  logfile: "%s/log"
  pidfile: ""
  xfrdfile: ""
  zonelistfile: "%s/zones"
  server-count: 1
  hide-version: yes
remote-control:
  control-enable: no
zone:
  name: "%s"
  zonefile: "zone"
"""


def is_there():
    return shutil.which("nsd") is not None


class Nsd:
    def __init__(self, zone, records):
        self.zone, self.dir = zone, tempfile.mkdtemp(prefix="nsd-")
        os.chmod(self.dir, 0o755)
        self.port, = free_ports(1)
        with open(self.path("zone"), "w") as f:
            f.write(HEAD % zone + records)
        with open(self.path("conf"), "w") as f:
            f.write(CONF % (self.port, self.dir, self.dir, self.dir,
                            zone or "."))
        self.process = None

    def path(self, name):
        return os.path.join(self.dir, name)

    def setting(self):
        return "resolver address 127.0.0.1:%d\n" % self.port

    def answers(self):
        name = b"".join(bytes([len(x)]) + x.encode()
                        for x in self.zone.split(".") if x) + b"\0"
        ask = struct.pack(">6H", 7, 0, 1, 0, 0, 0) + name + b"\0\6\0\1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            s.connect(("127.0.0.1", self.port))
            try:
                s.send(ask)
                return s.recv(512)[3] & 15 == 0
            except OSError:
                return False

    def start(self):
        self.process = subprocess.Popen(
            ["nsd", "-d", "-c", self.path("conf")], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                with open(self.path("log")) as f:
                    raise RuntimeError("nsd: " + f.read()[-2000:])
            time.sleep(0.02)
        return self

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)
