# SPDX-License-Identifier: ISC
"""A private nsd on 127.0.0.1.

    with Nsd("test", "far MX 10 a.hosts\\n...") as dns:
        dns.setting()       # for veredus.conf
        dns.stop(); dns.start()

    Nsd({"test": "far MX ...", "example.org": "..."})   # several zones
    Nsd("", "test MX ...")          # the root, and all below it
    dns.write("test", "far MX 10 b.hosts\\n"); dns.reload()
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
@ SOA ns root %d 3600 600 86400 1
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
  database: ""
  zonelistfile: "%s/zones"
  server-count: 1
  hide-version: yes
remote-control:
  control-enable: no
"""
ZONE = """zone:
  name: "%s"
  zonefile: "%s"
"""


def is_there():
    return shutil.which("nsd") is not None


class Nsd:
    def __init__(self, zones, records=None, port=None):
        """zones: name -> records, or one name with its records beside it."""
        self.zones = {zones: records} if isinstance(zones, str) else zones
        self.dir = tempfile.mkdtemp(prefix="nsd-")
        os.chmod(self.dir, 0o755)
        self.port = port or free_ports(1)[0]
        self.serial, self.process = 0, None
        for zone, text in self.zones.items():
            self.write(zone, text)
        with open(self.path("conf"), "w") as f:
            f.write(CONF % (self.port, self.dir, self.dir, self.dir) +
                    "".join(ZONE % (z or ".", z or "root")
                            for z in self.zones))

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, zone, records):
        """Its records as they are from the next start or reload."""
        self.serial += 1
        with open(self.path(zone or "root"), "w") as f:
            f.write(HEAD % (zone, self.serial) + records)

    def setting(self):
        return "resolver address 127.0.0.1:%d\n" % self.port

    def has(self, zone):
        name = b"".join(bytes([len(x)]) + x.encode()
                        for x in zone.split(".") if x) + b"\0"
        ask = struct.pack(">6H", 7, 0, 1, 0, 0, 0) + name + b"\0\6\0\1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            s.connect(("127.0.0.1", self.port))
            try:
                s.send(ask)
                return s.recv(4096)[3] & 15 == 0
            except OSError:
                return False

    def answers(self):
        return all(map(self.has, self.zones))

    def start(self):
        """nsd gives up now and then on a busy machine: its parts wait for
        each other's signs only so long."""
        for _ in range(3):
            if self.begins():
                return self
        with open(self.path("log")) as f:
            raise RuntimeError("nsd: " + f.read()[-2000:])

    def begins(self):
        self.process = subprocess.Popen(
            ["nsd", "-d", "-c", self.path("conf")], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                return False
            time.sleep(0.02)
        return True

    def reload(self):
        """With what was written; a SIGHUP to nsd -d does not always do."""
        self.stop()
        self.start()

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
