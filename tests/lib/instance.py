#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A private instance of the whole suite, for tests.

As a module:

    from instance import Instance, main
    with Instance(users={"joe@example.org": "secret"}) as i:
        i.port["smtp"]; i.control("status"); i.pids("smtpd"); i.kill("smtpd")

As a command: starts one, runs COMMAND with VEREDUS_DIR, VEREDUS_CONF,
VEREDUS_CONTROL and VEREDUS_PORT_SMTP ... in its environment, stops it:

    instance.py [-b BUILD] [-s 'setting value']... -- COMMAND ...

The build tree is VEREDUS_BUILD, or the folder make runs in.  Programs that
are not built yet are replaced by tests/lib/idle, which is ready and does
nothing.  Everything lives in one temporary folder and on loopback.  As an
ordinary user the test runs itself again in a namespace where it is root.
"""

import functools
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

KINDS = ("logd ctld authd rated routed smtpd spoold syncd qmgr bounce "
         "pop3d imapd stored resolvd remote checkd signd keyd").split()
ROOMS = {"logd": "master", "ctld": "master", "authd": "auth", "rated": "auth",
         "routed": "qmgr", "smtpd": "smtpd", "spoold": "qmgr",
         "syncd": "qmgr", "qmgr": "qmgr", "bounce": "qmgr", "pop3d": "pop3d",
         "imapd": "imapd", "stored": "store", "resolvd": "delivery",
         "remote": "delivery", "checkd": "smtpd", "signd": "delivery",
         "keyd": "delivery"}
SERVICES = "smtp submission submissions pop3 pop3s imap imaps".split()
WAIT_S = 60     # nothing here is timed; this only ends a hopeless wait
# where nsd and opendkim are, and an ordinary user does not look
os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"


def build_dir():
    return os.path.abspath(os.environ.get("VEREDUS_BUILD", "."))


def as_root():
    """Become root of an own namespace when we are an ordinary user, so that
    the code of root is what runs; where that cannot be, the test is skipped
    (the plain unprivileged mode has a test of its own)."""
    if os.geteuid() == 0 or os.environ.get("VEREDUS_IN_NAMESPACE"):
        return
    os.environ["VEREDUS_IN_NAMESPACE"] = "1"
    enter = ["unshare", "-r", "--map-auto", "-n"]
    try:
        ok = subprocess.run(enter + ["true"],
                            stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        ok = False
    if not ok:
        print("skip - %s: needs root, or a user namespace with the caller's "
              "range in /etc/subuid" % os.path.basename(sys.argv[0]))
        sys.exit(77)
    os.execvp("unshare", enter + [
        "sh", "-c", 'ip link set lo up; exec "$@"', "sh",
        sys.executable] + sys.argv)


def free_ports(count):
    """Below those that the kernel gives to whoever connects, at random, so
    that tests which run side by side do not meet."""
    ports = []
    while len(ports) < count:
        port = random.randrange(10240, 32000)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.bind(("", port))
        except OSError:
            continue
        if port not in ports:
            ports.append(port)
    return ports


def wait_for(what, test, limit=WAIT_S):
    end = time.monotonic() + limit
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError("waited in vain for " + what)
        time.sleep(0.02)


@functools.lru_cache
def crypt_hash(password):
    """A digest of crypt(3); cheap on purpose, tests log in often."""
    import ctypes
    # crypt(3) has one buffer; PyDLL keeps other threads out of it, for it
    # does not let go of the interpreter until the digest is copied
    lib = ctypes.PyDLL("libcrypt.so.1")
    lib.crypt.restype = ctypes.c_char_p
    return lib.crypt(password.encode(), b"$5$rounds=1000$veredustest").decode()


class Instance:
    def __init__(self, users=None, settings="", files=None, build=None,
                 only=None, services=SERVICES, folder=None, domain="example.org",
                 env=None, wrap=(), programs=None):
        """users: address -> password.  settings: text added to the file.
        files: path below the folder -> content, written before the start.
        only: kinds that run for real (all others idle).  wrap: a command put
        before master (strace -f ...).  programs: kind -> another program in
        its place, of tests/fault."""
        self.build = build or build_dir()
        self.users = {"joe@" + domain: "secret"} if users is None else users
        self.domain = domain
        self.settings = settings
        self.files = files or {}
        self.only = only
        self.services = services
        self.env = env or {}
        self.wrap = list(wrap)
        self.programs = programs or {}
        self.own_folder = folder is None
        self.dir = folder or tempfile.mkdtemp(prefix="veredus-")
        os.chmod(self.dir, 0o755)
        self.port = dict(zip(services, free_ports(len(services))))
        self.conf = os.path.join(self.dir, "veredus.conf")
        self.process = None
        self.uid_base = 60000

    # --- files ---

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def read(self, name):
        try:
            with open(self.path(name), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def log(self):
        return self.read("log/veredus.log")

    def log_mark(self):
        return len(self.log())

    def wait_log(self, regex, since=0):
        """Waits until the log has a line that matches; gives the match."""
        rx = re.compile(regex, re.M)
        return wait_for("log line " + regex,
                        lambda: rx.search(self.log(), since))

    def write_conf(self, settings=None):
        text = ["version 1", "hostname mail." + self.domain,
                "domain " + self.domain, "cleartext-logins yes",
                "uid-base %d" % self.uid_base,
                "folders { run run; state state; spool spool; mail mail; "
                "log log }",
                "tls { cert cert.pem; key key.pem }"]
        text += ["listen %s 127.0.0.1:%d" % p for p in self.port.items()]
        text.append(self.settings if settings is None else settings)
        if "resolver" not in text[-1]:  # nobody is there: never the host's
            text.append("resolver address 127.0.0.1:1")
        self.write("veredus.conf", "\n".join(text) + "\n")

    def make_certificate(self):
        if os.path.exists(self.path("cert.pem")):
            return
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
             "/CN=mail." + self.domain, "-addext",
             "subjectAltName=DNS:mail.%s,DNS:localhost,IP:127.0.0.1"
             % self.domain, "-keyout", self.path("key.pem"), "-out",
             self.path("cert.pem")], check=True, stderr=subprocess.DEVNULL)

    def write_users(self):
        lines = ["%s:%s:%d:\n" % (a, crypt_hash(p), n + 1)
                 for n, (a, p) in enumerate(self.users.items())]
        path = self.write("state/users/users", "".join(lines), 0o640)
        if os.geteuid() == 0:
            gid = self.uid_base + 1 + KINDS.index("authd")
            os.chown(os.path.dirname(path), 0, gid)
            os.chown(path, 0, gid)
            os.chmod(os.path.dirname(path), 0o2750)

    def make_libexec(self):
        folder = self.path("libexec")
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        self.idle = []
        for kind in KINDS:
            real = os.path.join(self.build, ROOMS[kind], kind)
            if not os.path.exists(real) or (
                    self.only is not None and kind not in self.only):
                real = os.path.join(self.build, "tests/lib/idle")
                self.idle.append(kind)
            if kind in self.programs:
                real = os.path.join(self.build, "tests/fault",
                                    self.programs[kind])
            os.symlink(real, os.path.join(folder, kind))

    # --- life ---

    def prepare(self):
        self.make_certificate()
        self.write_users()
        self.make_libexec()
        self.write_conf()
        for name, text in self.files.items():
            self.write(name, text)

    def command(self):
        return self.wrap + [
            os.path.join(self.build, "master/veredus-master"), "-f", "-c",
            self.conf, "-L", self.path("libexec")]

    def start(self, wait=True):
        if self.process is None:
            self.prepare()
        mark = self.log_mark()
        self.errors = open(self.path("errors"), "a")
        self.process = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=self.errors,
            stderr=self.errors, start_new_session=True,
            env={**os.environ, **self.env})
        if wait:
            self.wait_ready(mark)
        return self

    def wait_ready(self, since=0):
        def look():
            if self.process.poll() is not None:
                raise RuntimeError("master ended with %s:\n%s" % (
                    self.process.returncode, self.read("errors")[-4000:]))
            if os.path.exists(self.path("log/veredus.log")):
                return re.search(r" master/0 ready ", self.log()[since:])
            try:    # the log goes elsewhere
                rows, _ = self.control("status")
                return {r["state"] for r in rows if "state" in r} == {
                    "ready"}
            except (OSError, RuntimeError):
                return False
        wait_for("the suite to be ready", look)

    def stop(self):
        """A clean stop; gives master's exit code."""
        if self.process is None or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            return self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def kill_master(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        try:
            if self.process is not None and self.process.poll() is None:
                for row in self.rows():
                    if row["state"] == "stopped":
                        os.kill(row["pid"], signal.SIGCONT)
                self.stop()
        finally:
            if self.process is not None and self.process.poll() is None:
                self.kill_master()
            if self.own_folder and not os.environ.get("VEREDUS_KEEP"):
                shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            sys.stderr.write(self.read("errors")[-4000:])
            sys.stderr.write(self.log()[-4000:])
            self.close()
            raise

    def __exit__(self, *exc):
        if exc[0] is not None:
            sys.stderr.write("--- end of the log of %s\n%s" % (
                self.dir, self.log()[-6000:]))
            sys.stderr.write(self.read("errors")[-3000:])
        self.close()

    # --- looking at it ---

    def control(self, line, timeout=30):
        """A question to ctld: (rows, last object)."""
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(timeout)
        s.connect(self.path("run/control"))
        s.sendall(line.encode() + b"\n")
        data = b""
        while not data.endswith(b"\n") or b'"done":true' not in data:
            more = s.recv(65536)
            if not more:
                break
            data += more
        s.close()
        rows = [json.loads(r) for r in data.decode().splitlines()]
        if not rows or not rows[-1].get("done"):
            raise RuntimeError("cut off: %r" % data[-200:])
        return rows[:-1], rows[-1]

    def rows(self):
        """Children of master as the kernel knows them: kind, pid, state."""
        out = []
        if self.process is None:
            return out
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % pid) as f:
                    stat = f.read()
                with open("/proc/%s/cmdline" % pid) as f:
                    name = f.read().split("\0")[0]
            except OSError:
                continue
            state, parent = stat.rsplit(")", 1)[1].split()[:2]
            if name.startswith("veredus-") and \
                    int(parent) in self.master_pids():
                out.append({"kind": name[8:], "pid": int(pid), "state":
                            "stopped" if state in "tT" else state})
        return out

    def master_pids(self):
        pids = {self.process.pid}
        if self.wrap:
            text = self.read("run/master.pid").strip()
            if text:
                pids.add(int(text))
        return pids

    def pids(self, kind):
        return sorted(r["pid"] for r in self.rows() if r["kind"] == kind)

    def kill(self, kind, signo=signal.SIGKILL):
        for pid in self.pids(kind):
            os.kill(pid, signo)

    def environment(self):
        env = {"VEREDUS_DIR": self.dir, "VEREDUS_CONF": self.conf,
               "VEREDUS_CONTROL": self.path("run/control"),
               "VEREDUS_BUILD": self.build}
        for service, port in self.port.items():
            env["VEREDUS_PORT_" + service.upper()] = str(port)
        return {**os.environ, **env}


def main(argv):
    settings, build = [], None
    while argv and argv[0] != "--":
        if argv[0] == "-s":
            settings.append(argv[1])
        elif argv[0] == "-b":
            build = argv[1]
        else:
            sys.exit(__doc__)
        argv = argv[2:]
    if len(argv) < 2:
        sys.exit(__doc__)
    as_root()
    with Instance(settings="\n".join(settings), build=build) as i:
        return subprocess.run(argv[1:], env=i.environment()).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
