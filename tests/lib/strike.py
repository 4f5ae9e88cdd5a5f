# SPDX-License-Identifier: ISC
"""Killing processes of an instance while it works, and what clients know.

    deaths = Strikes(i, dice)
    deaths.kill("qmgr")         # a random one of them; until it is back
    deaths.kill("master")       # all die with it; until all are back
    deaths.between(t1, t2, {"remote", "qmgr", "master"})
"""

import os
import signal
import time

from instance import wait_for


def belongs(i, pid):
    """One of ours: its session is the one that this master was started in."""
    try:
        with open("/proc/%s/cmdline" % pid) as f:
            name = f.read().split("\0")[0]
        if not name.startswith("veredus-"):
            return False
        with open("/proc/%s/stat" % pid) as f:
            stat = f.read().rsplit(")", 1)[1].split()
        return int(stat[3]) == i.process.pid and stat[0] != "Z"
    except OSError:
        return False


def restart(i):
    """master is dead: its children end by themselves, then a new start."""
    wait_for("orphans to end", lambda: not any(
        belongs(i, p) for p in os.listdir("/proc") if p.isdigit()))
    i.start()


class Strikes:
    def __init__(self, i, dice):
        self.i, self.dice = i, dice
        self.done = []          # (when, kind), in this order

    def kill(self, kind):
        i = self.i
        if kind == "master":
            self.done.append((time.monotonic(), kind))
            i.kill_master()
            restart(i)
            return
        self.kill_some([kind])

    def kill_again(self, kind):
        """And its successor, before that is ready or a moment later."""
        self.kill(kind)
        self.kill(kind)

    def kill_some(self, kinds):
        """One of each kind, at once."""
        before = {k: self.i.pids(k) for k in kinds}
        victims = {k: self.dice.choice(p) for k, p in before.items()}
        for kind in kinds:
            self.done.append((time.monotonic(), kind))
            os.kill(victims[kind], signal.SIGKILL)
        for kind in kinds:
            wait_for(kind + " to be back", lambda: len(
                set(self.i.pids(kind)) - {victims[kind]}) >= len(
                    before[kind]))

    def between(self, begin, end, kinds):
        return [s for s in self.done if begin <= s[0] <= end and
                s[1] in kinds]


class Stops(Strikes):
    """They only sleep for a while.  Nobody dies of it."""
    longest = 3

    def kill(self, kind):
        pids = [self.i.process.pid] if kind == "master" else \
            self.i.pids(kind)
        self.stop_for_a_while([self.dice.choice(pids)])

    def kill_some(self, kinds):
        self.stop_for_a_while([self.dice.choice(self.i.pids(k))
                               for k in kinds])

    def stop_for_a_while(self, victims):
        for pid in victims:
            os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(self.dice.uniform(self.longest / 6, self.longest))
        finally:
            for pid in victims:
                try:
                    os.kill(pid, signal.SIGCONT)
                except ProcessLookupError:
                    pass        # taken for dead by master, and replaced
