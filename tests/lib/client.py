# SPDX-License-Identifier: ISC
"""A client of IMAP or POP3 for suite tests: lines as they are."""
import re
import socket
import time


class Client:
    """Lines, and the answer of one command."""

    def __init__(self, i, service, user="joe@example.org"):
        self.s = socket.create_connection(("127.0.0.1", i.port[service]), 120)
        self.f = self.s.makefile("rb")
        self.service, self.user = service, user
        self.line()

    def line(self):
        line = self.f.readline()
        if not line.endswith(b"\r\n"):
            raise RuntimeError("%s: closed" % self.service)
        return line[:-2].decode("latin1")

    def send(self, text):
        self.s.sendall(text.encode() + b"\r\n")

    def imap(self, text):
        """Untagged lines; anything but OK is a failure."""
        self.send("t " + text)
        return self.rest(text)

    def patient(self, text, limit=30):
        """One that is asked again as long as it is told UNAVAILABLE."""
        end = time.monotonic() + limit
        while True:
            try:
                return self.imap(text)
            except AssertionError as e:
                if "[UNAVAILABLE]" not in str(e) or time.monotonic() > end:
                    raise
            time.sleep(0.05)

    def rest(self, text):
        lines = []
        while not (lines and lines[-1].startswith("t ")):
            lines.append(self.line())
        if not lines[-1].startswith("t OK"):
            raise AssertionError("%s: %s" % (text, lines[-1]))
        return lines[:-1]

    def pop(self, text):
        self.send(text)
        line = self.line()
        if not line.startswith("+OK"):
            raise AssertionError("%s: %s" % (text, line))
        return line

    def pop_lines(self, text):
        self.pop(text)
        return list(iter(self.line, "."))

    def login(self):
        if self.service == "imap":
            self.imap("LOGIN %s secret" % self.user)
        else:
            self.pop("USER " + self.user)
            self.pop("PASS secret")
        return self

    def close(self):
        self.f.close()
        self.s.close()


def equal(what, have, want):
    if have != want:
        raise AssertionError("%s: %r, not %r" % (what, have, want))


def exists(lines):
    return [int(m.group(1)) for m in
            (re.match(r"\* (\d+) EXISTS", x) for x in lines) if m]
