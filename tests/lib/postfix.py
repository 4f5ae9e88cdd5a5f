# SPDX-License-Identifier: ISC
"""A private Postfix: queue, mailboxes and log in one temporary folder; its
own `postfix stop' ends it.

    with Postfix(instance, "far.test", ["ann", "bob"]) as p:
        p.port; p.mails("ann"); p.log()
"""

import os
import shutil
import smtplib
import subprocess
import sys
import tempfile

from instance import free_ports, wait_for

MAIN = """compatibility_level = 3.7
queue_directory = {d}/queue
data_directory = {d}/data
maillog_file = {d}/log/mail.log
maillog_file_prefixes = {d}/log
inet_interfaces = {addresses}
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = mx.{domain}
mydomain = {domain}
mydestination =
alias_maps =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_limit = 20
message_size_limit = 1000000
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {d}/mail
virtual_mailbox_maps = texthash:{d}/etc/users
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
virtual_minimum_uid = 1
smtpd_tls_security_level = may
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtp_tls_security_level = may
"""
LISTEN = "%s:%d inet n - n - - smtpd\n"
MASTER = """pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
UID = 61999


def is_there():
    return shutil.which("postfix") is not None and os.geteuid() == 0


class Postfix:
    def __init__(self, i, domain, users, listen=(("127.0.0.1", 0),), more=""):
        """i: whose certificate it borrows.  listen: address and port, where 0
        is any; the first is self.port.  more: for main.cf."""
        self.dir = tempfile.mkdtemp(prefix="postfix-")
        os.chmod(self.dir, 0o755)
        listen = [(a, p or free_ports(1)[0]) for a, p in listen]
        self.address, self.port = listen[0]
        for name in ("etc", "data", "queue", "log", "mail"):
            os.mkdir(os.path.join(self.dir, name))
        shutil.chown(self.path("data"), "postfix")
        os.chown(self.path("mail"), UID, UID)
        for name, text in (
                ("main.cf", MAIN.format(
                    d=self.dir, uid=UID, domain=domain,
                    addresses=", ".join(a for a, _ in listen),
                    cert=i.path("cert.pem"), key=i.path("key.pem")) + more),
                ("master.cf", "".join(LISTEN % x for x in listen) + MASTER),
                ("users", "".join("%s@%s %s/\n" % (u, domain, u)
                                  for u in users))):
            with open(self.path("etc", name), "w") as f:
                f.write(text)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def run(self, *words):
        return subprocess.run(["postfix", "-c", self.path("etc"), *words],
                              capture_output=True, text=True, timeout=60)

    def __enter__(self):
        r = self.run("start")
        if r.returncode != 0:
            raise RuntimeError(r.stderr + self.log())
        wait_for("Postfix", self.greets)
        return self

    def greets(self):
        try:
            with smtplib.SMTP(self.address, self.port, timeout=5):
                return True
        except OSError:
            return False

    def __exit__(self, *exc):
        if exc[0] is not None:
            sys.stderr.write(self.log()[-4000:])
        self.run("stop")
        shutil.rmtree(self.dir, ignore_errors=True)

    def log(self):
        try:
            with open(self.path("log/mail.log")) as f:
                return f.read()
        except OSError:
            return ""

    def mails(self, who):
        folder = self.path("mail", who, "new")
        out = []
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            with open(os.path.join(folder, name), "rb") as f:
                out.append(f.read())
        return out
