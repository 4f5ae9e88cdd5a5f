# SPDX-License-Identifier: ISC
"""Domains with a suite each, and the DNS between them: an nsd that has their
records, signed by DNSSEC, and a validating unbound before it.

    own_network()           # a namespace of its own, with standard ports
    with World({"example.org": ["joe"], "example.net": ["eve"]},
               {"far.test": "@ MX 10 mx\\nmx A 192.0.2.99\\n"}) as w:
        w.site["example.org"].port["submission"]
        w.zone("example.net", lambda text: ...)     # change its records

Site n has the addresses 192.0.2.n and 2001:db8::n, and port 25 there; people
come by loopback.  192.0.2.1 to 99 and 2001:db8::1 to ::99 are there, for
receivers too.  Every account has the password "secret".
"""

import glob
import json
import os
import re
import shutil
import smtplib
import subprocess
import sys

from instance import Instance, as_root, wait_for
from nsd import Nsd

WANTS = ("nsd", "unbound", "ldns-keygen", "ldns-signzone", "ip", "unshare")
RESOLVER = 53       # unbound, on 127.0.0.1
AUTHORITY = 5353    # nsd
SETTINGS = """resolver { address 127.0.0.1:53; trust-ad yes; ttl-min 0s;
  negative-max 0s; failure-ttl 0s; timeout 500ms; deadline 3s }
queue { retry 1s; retry-max 2s }
remote { source-ipv4 %s; source-ipv6 %s; idle 0s }
listen smtp %s:25
listen smtp [%s]:25
"""
UNBOUND = """server:
  interface: 127.0.0.1@%d
  username: ""
  chroot: ""
  directory: "%s"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "validator iterator"
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  infra-host-ttl: 0
  local-zone: "." static
  local-zone: "2.0.192.in-addr.arpa." nodefault
  local-zone: "test." nodefault
"""


def missing():
    return [p for p in WANTS if not shutil.which(p)]


def own_network():
    """This program once more, in a network namespace where it is root."""
    as_root()
    if not os.environ.get("WORLD_IN_NAMESPACE"):
        os.environ["WORLD_IN_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "-n", "-m", sys.executable] +
                  sys.argv)
    batch = ["link set lo up"]
    for n in range(1, 100):
        batch += ["addr add 192.0.2.%d/32 dev lo" % n,
                  "addr add 2001:db8::%d/128 dev lo nodad" % n]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(batch) + "\n",
                   text=True, check=True)


def resolv_conf(folder):
    """For programs that ask the system's resolver: the world's, in here."""
    path = os.path.join(folder, "resolv.conf")
    with open(path, "w") as f:
        f.write("nameserver 127.0.0.1\n")
    os.chmod(path, 0o644)
    subprocess.run(["mount", "--bind", path, "/etc/resolv.conf"], check=True)


def strings(text):
    return " ".join('"%s"' % text[n:n + 250] for n in range(0, len(text), 250))


class Site(Instance):
    def __init__(self, domain, people, number, settings=""):
        self.ipv4 = "192.0.2.%d" % number
        self.ipv6 = "2001:db8::%d" % number
        super().__init__(
            domain=domain, services=("submission", "imap", "pop3"),
            users={"%s@%s" % (p, domain): "secret" for p in people},
            settings=settings + SETTINGS % (self.ipv4, self.ipv6, self.ipv4,
                                            self.ipv6))
        self.uid_base += 100 * (number - 1)

    def veredus(self, *args, code=0):
        r = subprocess.run(
            [os.path.join(self.build, "tools/veredus"), "-c", self.conf,
             *args], capture_output=True, text=True, timeout=60)
        if r.returncode != code:
            raise RuntimeError("%r: %d\n%s%s" % (args, r.returncode, r.stdout,
                                                 r.stderr))
        return r.stdout

    def keys(self):
        """DKIM keys of the domain and of the host, which signs bounces."""
        if not os.path.exists(self.path("state/dkim")):
            self.veredus("dkim", "new", self.domain)
            self.veredus("dkim", "new", "mail." + self.domain)
        rows = []
        for domain in (self.domain, "mail." + self.domain):
            rows += map(json.loads, self.veredus(
                "dkim", "show", domain, "--json").splitlines())
        return "".join("%s. TXT %s\n" % (r["name"], strings(r["record"]))
                       for r in rows)

    def records(self):
        return ("@ MX 10 mail\nmail A %s\nmail AAAA %s\n"
                '@ TXT "v=spf1 mx -all"\nmail TXT "v=spf1 a -all"\n'
                '_dmarc TXT "v=DMARC1; p=reject"\n' % (
                    self.ipv4, self.ipv6)) + self.keys()

    # --- people ---

    def submit(self, sender, to, text):
        """By AUTH as the sender; gives the message's id."""
        with smtplib.SMTP("127.0.0.1", self.port["submission"]) as s:
            s.login(sender, "secret")
            s.mail(sender)
            for one in [to] if isinstance(to, str) else to:
                code, reply = s.rcpt(one)
                assert code == 250, (one, code, reply)
            code, reply = s.data(text)
            assert code == 250, (code, reply)
            return reply.split()[-1].decode()

    def mails(self, address):
        """What lies in the mailbox: its octets, a mail each."""
        user = address.split("@")[0]
        out = []
        for path in sorted(glob.glob(self.path(
                "mail", self.domain, user, "Maildir/[nc][eu][wr]/*"))):
            with open(path, "rb") as f:
                out.append(f.read())
        return out

    def queue(self):
        return [r for r in self.control("queue list")[0] if "mid" in r]

    def why(self, what, *words):
        """What `queue why' says, as soon as it has these words."""
        said = []

        def look():
            r = subprocess.run(
                [os.path.join(self.build, "tools/veredus"), "-c", self.conf,
                 "queue", "why", what], capture_output=True, text=True,
                timeout=60)
            said[:] = [r.stdout]
            return all(w in r.stdout for w in words)
        try:
            wait_for("%s in why of %s" % (", ".join(words), what), look)
        except TimeoutError as e:
            raise TimeoutError("%s; it says:\n%s" % (e, said[0]))
        return said[0]


class Unbound:
    """Validates the zones that are signed; the others it takes as they are."""

    def __init__(self, folder, zones, anchors):
        self.dir = folder
        with open(os.path.join(self.dir, "unbound.conf"), "w") as f:
            f.write(UNBOUND % (RESOLVER, self.dir))
            for zone in zones:
                f.write('  local-zone: "%s." transparent\n' % zone)
            for anchor in anchors:
                f.write('  trust-anchor-file: "%s"\n' % anchor)
            f.write("remote-control:\n  control-enable: no\n")
            for zone in zones:
                f.write('stub-zone:\n  name: "%s."\n  stub-addr: '
                        '127.0.0.1@%d\n' % (zone, AUTHORITY))
        self.process = None

    def start(self):
        log = open(os.path.join(self.dir, "unbound.log"), "a")
        self.process = subprocess.Popen(
            ["unbound", "-d", "-c", os.path.join(self.dir, "unbound.conf")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process = None


class World:
    def __init__(self, domains, zones=None, settings=None, signed=True):
        """domains: name -> people.  zones: more of them, unsigned.
        settings: name -> text for its veredus.conf."""
        self.site, self.zones = {}, dict(zones or {})
        self.signing = {}           # zone -> its key
        self.dns = self.unbound = None
        for n, (name, people) in enumerate(domains.items()):
            self.site[name] = Site(name, people, n + 2,
                                   (settings or {}).get(name, ""))
        self.is_signed = signed

    def reverse(self):
        return "".join("%s PTR mail.%s.\n" % (s.ipv4.split(".")[3], d)
                       for d, s in self.site.items())

    def sign(self, zone):
        """In place of what was written; the file is read as it is."""
        if zone not in self.signing:
            self.signing[zone] = subprocess.run(
                ["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone],
                cwd=self.dns.dir, capture_output=True, text=True,
                check=True).stdout.strip()
        subprocess.run(["ldns-signzone", "-f", zone, "-o", zone, zone,
                        self.signing[zone]], cwd=self.dns.dir, check=True)

    def write(self, zone):
        self.dns.write(zone, self.zones[zone])
        if zone in self.site and self.is_signed:
            self.sign(zone)

    def zone(self, zone, change):
        """change(its records) -> others, from now on."""
        self.zones[zone] = change(self.zones[zone])
        self.write(zone)
        self.dns.reload()

    def spoil(self, zone, old, new):
        """Not what was signed: a validating resolver does not believe it."""
        path = self.dns.path(zone)
        self.write(zone)
        with open(path) as f:
            text, n = re.subn(old, new, f.read())
        assert n > 0, text
        with open(path, "w") as f:
            f.write(text)
        self.dns.reload()

    def __enter__(self):
        try:
            for name, site in self.site.items():
                site.prepare()
                self.zones[name] = site.records() + self.zones.get(name, "")
            self.zones["2.0.192.in-addr.arpa"] = self.reverse()
            self.dns = Nsd(self.zones, port=AUTHORITY)
            for zone in self.zones:
                self.write(zone)
            self.dns.start()
            self.unbound = Unbound(self.dns.dir, self.zones, [
                self.dns.path(k + ".ds") for k in self.signing.values()])
            self.unbound.start()
            for site in self.site.values():
                site.start()
            for site in self.site.values():
                wait_for("the resolver", lambda: site.domain in subprocess.run(
                    [os.path.join(site.build, "tools/veredus"), "-c",
                     site.conf, "dns", "MX", site.domain],
                    capture_output=True, text=True).stdout)
            return self
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise

    def __exit__(self, *exc):
        for site in self.site.values():
            site.__exit__(*exc)
        if self.unbound is not None:
            self.unbound.stop()
        if self.dns is not None:
            self.dns.__exit__()
