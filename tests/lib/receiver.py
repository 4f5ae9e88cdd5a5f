# SPDX-License-Identifier: ISC
"""SMTP and LMTP receivers with TLS, AUTH and bad manners, for tests of remote.

    with Receiver(answer, tls=context) as r:
        'transport "far.test [127.0.0.1]:%d"' % r.port
        r.wait(3)       # until three transactions were accepted
        r.messages      # Message(sender, rcpts, data, session)

answer(session, verb, argument) returns a reply (several lines by \\n), bytes
that are sent as they are, DROP, or None for the usual one.  verbs: CONNECT
EHLO LHLO HELO STARTTLS AUTH AUTH-LINE MAIL RCPT DATA DOT RSET QUIT.  A session
has number, peer, is_tls, resumed, user and whatever a test puts on it.
"""

import base64
import collections
import os
import socket
import ssl
import threading

DROP = object()
Message = collections.namedtuple("Message", "sender rcpts data session")

USUAL = {"CONNECT": "220 receiver.test ESMTP", "HELO": "250 receiver.test",
         "STARTTLS": "220 2.0.0 go", "MAIL": "250 2.1.0 fine",
         "RCPT": "250 2.1.5 fine", "DATA": "354 go on",
         "DOT": "250 2.0.0 kept", "RSET": "250 2.0.0 fine",
         "QUIT": "221 2.0.0 bye", "AUTH-LINE": "235 2.7.0 fine"}


class Session(threading.Thread):
    def __init__(self, server, sock, peer, number):
        super().__init__(daemon=True)
        self.server, self.sock, self.number = server, sock, number
        self.peer, self.is_tls, self.resumed = peer, False, None
        self.user, self.sender, self.rcpts = None, None, []
        self.file = sock.makefile("rb")

    def usual(self, verb):
        if verb in ("EHLO", "LHLO"):
            words = ["receiver.test", "PIPELINING", "8BITMIME",
                     "ENHANCEDSTATUSCODES"]
            if self.server.tls and not self.is_tls:
                words.append("STARTTLS")
            if self.server.auth and self.is_tls:
                words.append("AUTH " + self.server.auth)
            return "\n".join("250%s%s" % ("-" if w != words[-1] else " ", w)
                             for w in words)
        if verb == "STARTTLS" and not self.server.tls:
            return "454 4.7.0 no TLS here"
        return USUAL.get(verb, "500 5.5.2 what?")

    def say(self, verb, argument=""):
        """The first octet of the reply, or "" when there was none."""
        if verb == "RCPT" and self.sender is None:      # MAIL was refused
            reply = "503 5.5.1 MAIL first"
        else:
            reply = self.server.ask(self, verb, argument)
        if reply is DROP:
            return ""
        if reply is None:
            reply = self.usual(verb)
        if isinstance(reply, str):
            reply = (reply.replace("\n", "\r\n") + "\r\n").encode("latin-1")
        self.sock.sendall(reply)
        return reply[:1].decode("latin-1")

    def read_data(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return None
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)

    def start_tls(self):
        self.sock = self.server.tls.wrap_socket(self.sock, server_side=True)
        self.file = self.sock.makefile("rb")
        self.is_tls, self.resumed = True, self.sock.session_reused

    def log_in(self, argument):
        mech, _, first = argument.partition(" ")
        if mech.upper() == "PLAIN":
            _, user, secret = base64.b64decode(first).split(b"\0")
        else:
            self.sock.sendall(b"334 VXNlcm5hbWU6\r\n")
            user = base64.b64decode(self.file.readline())
            self.sock.sendall(b"334 UGFzc3dvcmQ6\r\n")
            secret = base64.b64decode(self.file.readline())
        self.user = user.decode()
        return self.say("AUTH-LINE", (user.decode(), secret.decode()))

    def take_data(self):
        said = self.say("DATA")
        if said != "3":
            return said != ""
        content = self.read_data()
        if content is None:
            return False
        replies = self.rcpts if self.server.lmtp else [None]
        taken = []
        for one in replies:
            said = self.say("DOT", one if self.server.lmtp else content)
            if said == "":
                return False
            if said == "2":
                taken.append(one)
        if taken:
            self.server.keep(Message(
                self.sender, taken if self.server.lmtp else self.rcpts,
                content, self))
        self.sender, self.rcpts = None, []
        return True

    def command(self, verb, argument):
        if verb == "DATA":
            if self.rcpts:
                return self.take_data()
            self.sock.sendall(b"554 5.5.1 no recipients\r\n")
            return True
        if verb == "AUTH":
            return self.log_in(argument) != ""
        said = self.say(verb, argument)
        if verb == "STARTTLS" and said == "2" and self.server.tls:
            self.start_tls()
        elif verb == "MAIL":
            self.sender, self.rcpts = argument if said == "2" else None, []
        elif verb == "RCPT" and said == "2":
            self.rcpts.append(argument.split(">")[0].split("<")[-1])
        elif verb == "RSET":
            self.sender, self.rcpts = None, []
        return said != "" and verb != "QUIT"

    def run(self):
        try:
            if self.server.wrapped:
                self.start_tls()
            if self.say("CONNECT") != "2":
                return
            while True:
                line = self.file.readline().decode("latin-1")
                verb, _, rest = line.rstrip("\r\n").partition(" ")
                if not line or not self.command(verb.upper(), rest):
                    return
        except (OSError, ssl.SSLError):
            pass
        finally:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.file.close()
            self.sock.close()


class Receiver:
    def __init__(self, answer=None, address="127.0.0.1", port=0, tls=None,
                 auth="", lmtp=False, wrapped=False):
        self.answer = answer or (lambda *_: None)
        self.tls, self.auth, self.lmtp = tls, auth, lmtp
        self.wrapped = wrapped
        self.messages, self.heard, self.sessions = [], [], []
        self.more = threading.Condition(threading.RLock())
        self.address, self.port = address, 0
        if address.startswith("/"):
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(address)
            self.listener.listen(256)
            os.chmod(address, 0o666)
            return
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, port), family=family,
                                             backlog=256)
        self.port = self.listener.getsockname()[1]

    def ask(self, session, verb, argument):
        with self.more:
            self.heard.append((session.number, verb, argument))
            self.more.notify_all()
            return self.answer(session, verb, argument)

    def keep(self, message):
        with self.more:
            self.messages.append(message)
            self.more.notify_all()

    def wait(self, count, limit=60):
        with self.more:
            if not self.more.wait_for(lambda: len(self.messages) >= count,
                                      limit):
                raise TimeoutError("%d of %d messages" % (
                    len(self.messages), count))
            return list(self.messages)

    def wait_heard(self, verb, count=1, limit=60):
        with self.more:
            if not self.more.wait_for(lambda: self.count(verb) >= count,
                                      limit):
                raise TimeoutError("%s: %d of %d" % (verb, self.count(verb),
                                                     count))

    def count(self, verb):
        return sum(h[1] == verb for h in self.heard)

    def serve(self):
        while True:
            try:
                sock, peer = self.listener.accept()
            except OSError:
                return
            s = Session(self, sock, peer[0] if peer else "",
                        len(self.sessions) + 1)
            self.sessions.append(s)
            s.start()

    def transport(self, domain):
        return "transport %s %s[%s]:%d\n" % (
            domain, "lmtp:" if self.lmtp else "", self.address, self.port)

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *exc):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()


def context(cert, key, **options):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(cert, key)
    for name, value in options.items():
        setattr(c, name, value)
    return c
