#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A DNS server that lies as it is told, for tests.

    from liar import Liar, reply, rr, a, mx, txt, cname, soa
    with Liar() as l:               # UDP and TCP on 127.0.0.1:l.port
        l.say("ok.example", "A", a("192.0.2.1"))
        l.does("slow.example", lambda q: l.later(1, reply(q, [...])))
        ... l.asked("ok.example") ...

What it does for a name it was told nothing of is named by the first label,
see TRICKS: silent.x wrongid.x truncated.x tcpdrip.x loop.x ...

As a program it serves these until it is killed:  liar.py [ADDRESS [PORT]]
"""

import ipaddress
import os
import select
import socket
import struct
import sys
import threading
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15,
         "TXT": 16, "AAAA": 28, "OPT": 41, "TLSA": 52}
NAMES = {v: k for k, v in TYPES.items()}
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)


def name(text):
    out = b""
    for label in text.rstrip(".").split("."):
        if label:
            out += bytes([len(label)]) + label.encode("latin-1")
    return out + b"\0"


# Data of records, as (type, bytes).
def a(ip):
    ip = ipaddress.ip_address(ip)
    return ("A" if ip.version == 4 else "AAAA", ip.packed)


def mx(preference, host):
    return ("MX", struct.pack("!H", preference) + name(host))


def txt(*strings):
    return ("TXT", b"".join(bytes([len(s)]) + s for s in (
        s.encode("latin-1") for s in strings)))


def cname(host):
    return ("CNAME", name(host))


def ptr(host):
    return ("PTR", name(host))


def soa(minimum):
    return ("SOA", name("ns.liar.example") + name("root.liar.example") +
            struct.pack("!5I", 1, 3600, 600, 86400, minimum))


def rr(owner, data, ttl=300):
    """owner: text, or bytes as they are to stand there."""
    kind, rdata = data
    if isinstance(owner, str):
        owner = name(owner)
    return owner + struct.pack("!HHIH", TYPES[kind], 1, ttl,
                               len(rdata)) + rdata


class Question:
    def __init__(self, packet, tcp):
        self.packet, self.tcp = packet, tcp
        self.id, self.flags, counts = struct.unpack("!HHQ", packet[:12])
        at, labels = 12, []
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]])
            at += 1 + packet[at]
        self.type, _ = struct.unpack("!HH", packet[at + 1:at + 5])
        self.section = packet[12:at + 5]
        self.exact = b".".join(labels).decode("latin-1")
        self.name = self.exact.lower()
        self.kind = NAMES.get(self.type, str(self.type))
        self.edns = counts & 0xffff != 0
        self.ad = bool(self.flags & 0x20)


def reply(q, answer=(), authority=(), rcode=NOERROR, tc=False, aa=True,
          ra=True, ad=False, id=None, section=None, edns=True):
    """A packet.  answer, authority: rr()s, or data for the name asked."""
    answer = [rr(q.exact, r) if isinstance(r, tuple) else r for r in answer]
    opt = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0) \
        if edns and q.edns else b""
    flags = (0x8000 | q.flags & 0x0100 | rcode | (0x0200 if tc else 0) |
             (0x0400 if aa else 0) | (0x80 if ra else 0) |
             (0x20 if ad else 0))
    return struct.pack("!6H", q.id if id is None else id, flags, 1,
                       len(answer), len(authority), bool(opt)) + (
        q.section if section is None else section) + b"".join(answer) + \
        b"".join(authority) + opt


# --- tricks: what a first label means -------------------------------------

GOOD = "192.0.2.1"      # what is true
BAD = "192.0.2.66"      # what nobody should ever see


def good(q):
    return reply(q, [a(GOOD)] if q.kind == "A" else
                 [txt("true")] if q.kind == "TXT" else [])


def bad(q, **how):
    return reply(q, [a(BAD)] if q.kind == "A" else [txt("lie")], **how)


def wrong_question(q):
    return [bad(q, section=name("other.example") + struct.pack(
        "!HH", q.type, 1)), good(q)]


def wrong_type(q):
    return [bad(q, section=q.section[:-4] + struct.pack("!HH", 99, 1)),
            good(q)]


def truncated(q):
    return good(q) if q.tcp else reply(q, tc=True)


def by_tcp(q, action):
    return action if q.tcp else reply(q, tc=True)


def big(q):
    """65,535 octets: as many A records as fit, or one long TXT."""
    head = reply(q, edns=False)
    left = 65535 - len(head)
    if q.kind == "TXT":
        strings = []
        while sum(map(len, strings)) + len(strings) < left - 12 - 256:
            strings.append("x" * 255)
        return by_tcp(q, reply(q, [rr(b"\xc0\x0c", txt(*strings))],
                               edns=False))
    one = rr(b"\xc0\x0c", a(BAD))
    return by_tcp(q, reply(q, [one] * (left // len(one)), edns=False))


def many(q):
    """900 records with long names that share one ending."""
    rows = [rr(b"\xc0\x0c", ("MX", struct.pack("!H", n) +
               bytes([6]) + b"%06d" % n + b"\xc0\x0c")) for n in range(900)]
    return by_tcp(q, reply(q, rows, edns=False))


def compression_loop(q):
    at = 12 + len(q.section)
    p = reply(q, [], edns=False)
    p = p[:6] + struct.pack("!H", 1) + p[8:]
    return [p + struct.pack("!H", 0xc000 | at) + struct.pack(
        "!HHIH", q.type, 1, 60, 4) + b"\1\2\3\4"]


def loop(q):
    return reply(q, [rr(q.exact, cname("other." + q.name)),
                     rr("other." + q.name, cname(q.name))])


def endless(q):
    """One more alias an answer, for ever."""
    first, rest = q.name.split(".", 1)
    n = int(first[7:] or 0)
    return reply(q, [rr(q.exact, cname("endless%d.%s" % (n + 1, rest)))])


def chain(q):
    first, rest = q.name.split(".", 1)
    n = int(first[5:] or 0)
    if n >= 5:
        return reply(q, [a(GOOD)])
    return reply(q, [rr(q.exact, cname("chain%d.%s" % (n + 1, rest)))])


def many_wrong_ids(q):
    return [bad(q, id=(q.id + n) & 0xffff) for n in range(1, 30)] + [good(q)]


def hostile_case(q):
    return reply(q, [a(BAD)], section=name(q.name.upper()) +
                 struct.pack("!HH", q.type, 1))


def formerr(q):
    if q.edns:
        return reply(q, rcode=FORMERR, edns=False)
    return good(q)


def bare_formerr(q):
    if q.edns:
        return struct.pack("!6H", q.id, 0x8001, 0, 0, 0, 0)
    return good(q)


TRICKS = {
    "good": good,
    "silent": lambda q: None,
    "silentudp": lambda q: good(q) if q.tcp else None,
    "noedns": lambda q: None if q.edns else good(q),
    "wrongid": lambda q: [bad(q, id=q.id ^ 1), good(q)],
    "manywrong": many_wrong_ids,
    "wrongquestion": wrong_question,
    "wrongtype": wrong_type,
    "noquestion": lambda q: [struct.pack("!6H", q.id, 0x8180, 0, 0, 0, 0),
                             good(q)],
    "notreply": lambda q: [q.packet, good(q)],
    "truncated": truncated,
    "tcphang": lambda q: by_tcp(q, "hang"),
    "tcpclose": lambda q: by_tcp(q, "close"),
    "tcphalf": lambda q: by_tcp(q, "half"),
    "tcpdrip": lambda q: by_tcp(q, "drip"),
    "tcpwrongid": lambda q: by_tcp(q, bad(q, id=q.id ^ 1)),
    "tcptruncated": lambda q: reply(q, tc=True),
    "big": big,
    "many": many,
    "loop": loop,
    "selfalias": lambda q: reply(q, [rr(q.exact, cname(q.name))]),
    "endless": endless,
    "chain": chain,
    "bomb": compression_loop,
    "servfail": lambda q: reply(q, rcode=SERVFAIL),
    "refused": lambda q: reply(q, rcode=REFUSED),
    "notimp": lambda q: reply(q, rcode=NOTIMP),
    "formerr": formerr,
    "bareformerr": bare_formerr,
    "nxdomain": lambda q: reply(q, rcode=NXDOMAIN,
                                authority=[rr("liar.example", soa(7))]),
    "nxcname": lambda q: reply(q, [rr(q.exact, cname("gone.example"))],
                               rcode=NXDOMAIN,
                               authority=[rr("example", soa(7))]),
    "nxdata": lambda q: reply(q, [a(BAD)], rcode=NXDOMAIN),
    "nodata": lambda q: reply(q, authority=[rr("liar.example", soa(9))]),
    "bareno": lambda q: reply(q),
    "referral": lambda q: reply(q, authority=[rr("example", (
        "NS", name("ns.example")))], aa=False, ra=False),
    "hugettl": lambda q: reply(q, [rr(q.exact, a(GOOD), ttl=0x7fffffff)]),
    "badttl": lambda q: reply(q, [rr(q.exact, a(GOOD), ttl=0xffffffff)]),
    "zerottl": lambda q: reply(q, [rr(q.exact, a(GOOD), ttl=0)]),
    "foreign": lambda q: reply(q, [rr("victim.example", a(BAD)),
                                   rr(q.exact, a(GOOD))]),
    "shortdata": lambda q: reply(q, [rr(q.exact, ("A", b"\1\2\3"))]),
    "garbage": lambda q: os.urandom(64),
    "empty": lambda q: b"",
    "head": lambda q: reply(q)[:12],
    "cut": lambda q: reply(q, [a(BAD)], edns=False)[:-3],
    "counts": lambda q: reply(q)[:6] + b"\xff\xff" * 3 + reply(q)[12:],
    "uppercase": hostile_case,
}


class Liar:
    def __init__(self, address="127.0.0.1", port=0):
        self.address = address
        self.told, self.seen = {}, []
        self.lock = threading.Lock()
        self.stopped = False
        self.mute = False       # says nothing to anybody
        self.open_tcp = []
        self.udp = self.bind(port)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def bind(self, port):
        """The same port for both."""
        for _ in range(50):
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind((self.address, port))
            self.port = udp.getsockname()[1]
            self.tcp = socket.socket()
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self.tcp.bind((self.address, self.port))
                self.tcp.listen(64)
                return udp
            except OSError:
                udp.close()
                self.tcp.close()
                if port:
                    raise
        raise OSError("no port for UDP and TCP")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.stopped = True
        self.thread.join()
        self.udp.close()
        self.tcp.close()
        for c in self.open_tcp:
            c.close()

    # --- what it is told and was asked ---

    def say(self, host, kind, *data, ttl=300, **how):
        """These records, to this question."""
        self.does(host, lambda q: reply(
            q, [rr(q.exact, d, ttl) for d in data], **how), kind)

    def does(self, host, action, kind=None):
        """action(question) -> packet, list of packets, None, or "hang",
        "close", "half", "drip" on TCP."""
        self.told[host.lower(), kind] = action

    def later(self, seconds, packet):
        return (seconds, packet)

    def asked(self, host=None):
        """Questions that came (for that name), oldest first."""
        with self.lock:
            return [q for q in self.seen if host in (None, q.name)]

    def action(self, q):
        with self.lock:
            self.seen.append(q)
        if self.mute:
            return None
        trick = TRICKS.get(q.name.split(".")[0].rstrip("0123456789"),
                           lambda q: reply(q, rcode=NXDOMAIN))
        for key in ((q.name, q.kind), (q.name, None)):
            if key in self.told:
                trick = self.told[key]
                break
        return trick(q)

    # --- packets ---

    def run(self):
        while not self.stopped:
            for s in select.select([self.udp, self.tcp], [], [], 0.05)[0]:
                if s is self.udp:
                    self.on_udp()
                else:
                    self.open_tcp.append(s.accept()[0])
                    threading.Thread(target=self.on_tcp, daemon=True,
                                     args=(self.open_tcp[-1],)).start()

    def on_udp(self):
        packet, peer = self.udp.recvfrom(65535)
        try:
            what = self.action(Question(packet, False))
        except (IndexError, struct.error):
            return
        if isinstance(what, tuple):
            threading.Timer(what[0], self.send, (what[1], peer)).start()
        elif isinstance(what, list):
            for p in what:
                self.send(p, peer)
        elif isinstance(what, bytes):
            self.send(what, peer)

    def send(self, packet, peer):
        try:
            self.udp.sendto(packet, peer)
        except OSError:
            pass        # who asked has gone, or we have

    def on_tcp(self, c):
        try:
            head = c.recv(2, socket.MSG_WAITALL)
            packet = c.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
            q = Question(packet, True)
            self.answer_tcp(c, q, self.action(q))
        except (OSError, struct.error, IndexError):
            pass

    def answer_tcp(self, c, q, what):
        if what is None or what == "hang":
            return      # stays open
        if what == "drip":
            p = good(q)
            for octet in struct.pack("!H", len(p)) + p:
                c.sendall(bytes([octet]))
                time.sleep(0.002)
        elif what == "half":
            p = good(q)
            c.sendall(struct.pack("!H", len(p)) + p[:len(p) // 2])
        elif what != "close":
            c.sendall(struct.pack("!H", len(what)) + what)
        c.close()


def main(argv):
    liar = Liar(argv[0] if argv else "127.0.0.1",
                int(argv[1]) if len(argv) > 1 else 0)
    print(liar.port, flush=True)
    liar.thread.join()


if __name__ == "__main__":
    main(sys.argv[1:])
