#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What a question costs resolvd: CPU time and system calls, from the cache
and asked of a resolver.

    VEREDUS_BUILD=build bench/dns.py [QUESTIONS]

CPU time is resolvd's own (/proc/PID/schedstat, to the nanosecond); system
calls are counted in a second run, for strace slows it."""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../tests/lib"))
from instance import Instance, as_root, wait_for
from liar import Liar

as_root()
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 5000


def cpu_ns(pid):
    with open("/proc/%d/schedstat" % pid) as f:
        return int(f.read().split()[0])


def ask(i, kind, n):
    for k in range(COUNT):
        i.control("dns A good%s.example" % (k if kind == "asked" else ""))


def traced(i, pid, kind):
    with tempfile.NamedTemporaryFile("r") as out:
        s = subprocess.Popen(["strace", "-c", "-qq", "-p", str(pid), "-o",
                              out.name], stderr=subprocess.DEVNULL)
        wait_for("strace", lambda: "TracerPid:\t0" not in open(
            "/proc/%d/status" % pid).read())
        ask(i, kind, COUNT)
        s.terminate()
        s.wait()
        return [(m[1], int(m[0])) for m in re.findall(
            r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", out.read(),
            re.M) if m[1] != "total"]


def main():
    with Liar() as l, Instance(only=("logd", "ctld", "resolvd"), settings=
                               "resolver { address 127.0.0.1:%d }\n"
                               % l.port) as i:
        pid, = i.pids("resolvd")
        for kind in ("asked", "cached"):
            i.control("reload")
            if kind == "cached":
                i.control("dns A good.example")
            start = cpu_ns(pid)
            ask(i, kind, COUNT)
            us = (cpu_ns(pid) - start) / 1000 / COUNT
            i.control("reload")
            if kind == "cached":
                i.control("dns A good.example")
            calls = traced(i, pid, kind)
            print("%s: %.1f us CPU, %.1f system calls a question: %s" % (
                kind, us, sum(n for _, n in calls) / COUNT, ", ".join(
                    "%s %.2f" % (name, n / COUNT) for name, n in calls
                    if n > COUNT / 20)), flush=True)


main()
