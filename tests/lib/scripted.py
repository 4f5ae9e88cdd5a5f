# SPDX-License-Identifier: ISC
"""An SMTP receiver that answers as it is told, for tests of outgoing mail.

    with Scripted(answer) as r:
        ... transport "far.test [127.0.0.1]:%d" % r.port ...
        r.wait(3)           # until three messages were accepted
        r.messages          # [{"sender": .., "rcpts": [..], "data": b".."}]

answer(session, verb, argument) gives a reply ("450 4.2.1 later"; several
lines by \\n; "" closes the connection) or None for the usual one.  verb is
CONNECT, EHLO, MAIL, RCPT, DATA, DOT, RSET, QUIT.  session.number counts
connections.  Everything happens on 127.0.0.1 and ends with the with block.
"""

import socket
import threading

USUAL = {"CONNECT": "220 scripted.test ESMTP", "EHLO":
         "250-scripted.test\n250-PIPELINING\n250-8BITMIME\n250 "
         "ENHANCEDSTATUSCODES", "HELO": "250 scripted.test", "MAIL":
         "250 2.1.0 fine", "RCPT": "250 2.1.5 fine", "DATA": "354 go on",
         "DOT": "250 2.0.0 kept", "RSET": "250 2.0.0 fine", "NOOP": "250 fine",
         "QUIT": "221 2.0.0 bye"}


class Session(threading.Thread):
    def __init__(self, server, sock, number):
        super().__init__(daemon=True)
        self.server, self.sock, self.number = server, sock, number
        self.file = sock.makefile("rb")
        self.sender, self.rcpts = None, []

    def say(self, verb, argument=""):
        with self.server.lock:
            if verb == "RCPT" and self.sender is None:
                reply = "503 5.5.1 MAIL first"  # it was refused
            else:
                reply = self.server.answer(self, verb, argument)
            if reply is None:
                reply = USUAL.get(verb, "500 5.5.2 what?")
            self.server.heard.append((self.number, verb, argument, reply))
        if reply:
            if isinstance(reply, str):
                reply = reply.encode("latin-1")
            self.sock.sendall(reply.replace(b"\n", b"\r\n") + b"\r\n")
            return reply[:1].decode()
        return ""

    def data(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return None
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)

    def command(self, line):
        verb, _, argument = line.partition(" ")
        verb = verb.upper()
        if verb != "DATA":
            said = self.say(verb, argument)
        if verb == "MAIL":
            self.sender, self.rcpts = argument if said == "2" else None, []
        elif verb == "RCPT" and said == "2":
            self.rcpts.append(argument.split(">")[0].split("<")[-1])
        elif verb == "RSET":
            self.sender, self.rcpts = None, []
        elif verb == "DATA":
            if not self.rcpts:
                self.say("NOBODY")
                return True
            said = self.say("DATA")
            if said != "3":
                return said != ""
            content = self.data()
            if content is None:
                return False
            one = {"sender": self.sender, "rcpts": self.rcpts,
                   "data": content, "session": self.number}
            self.sender, self.rcpts = None, []
            said = self.say("DOT", one)
            if said == "2":
                self.server.keep(one)
        return said != "" and verb != "QUIT"

    def run(self):
        try:
            if self.say("CONNECT") != "2":
                return
            while True:
                line = self.file.readline()
                if not line or not self.command(
                        line.decode("latin-1").rstrip("\r\n")):
                    return
        except OSError:
            pass
        finally:
            self.file.close()
            self.sock.close()


class Scripted:
    def __init__(self, answer=None, address="127.0.0.1"):
        self.answer = answer or (lambda *_: None)
        self.messages, self.heard = [], []
        self.lock = threading.RLock()
        self.more = threading.Condition(self.lock)
        self.listener = socket.create_server((address, 0), backlog=256)
        self.address, self.port = address, self.listener.getsockname()[1]
        self.sessions = 0

    def keep(self, one):
        with self.more:
            self.messages.append(one)
            self.more.notify_all()

    def wait(self, count, limit=60):
        with self.more:
            if not self.more.wait_for(lambda: len(self.messages) >= count,
                                      limit):
                raise TimeoutError("%d of %d messages" % (
                    len(self.messages), count))
            return list(self.messages)

    def said(self, verb):
        with self.lock:
            return [h for h in self.heard if h[1] == verb]

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.sessions += 1
            Session(self, sock, self.sessions).start()

    def transport(self, domain):
        return 'transport "%s [%s]:%d"\n' % (domain, self.address, self.port)

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *exc):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
