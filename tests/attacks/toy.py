# SPDX-License-Identifier: ISC
"""Deliberately wrong SMTP/POP3/IMAP servers, to show that each case can fail (own code, stdlib).  Modes:
yes   takes everything: any line ending, any state, any address, nothing forgotten at RSET/STARTTLS, deletes and stores on a cut connection
drop  closes without a word on anything that is not plain and short
mute  as drop, but stays silent and open
one   as yes, one connection at a time for each port
worse as yes, and stores everything twice, speaks clear text on TLS ports and after STARTTLS, takes Unicode line ends, forgets to
      answer an empty message, loses mail to many recipients
frail as yes, and a port is down for 3 s after each connection that ends badly"""
import base64, os, re, shutil, socket, ssl, subprocess, sys, tempfile, threading, time

WELL = dict(
    smtp=re.compile(rb'(EHLO [\w.-]+|MAIL FROM:<[\w.@-]*>|RCPT TO:<[\w.@-]+>|DATA|RSET|NOOP|QUIT|STARTTLS|AUTH PLAIN [\w=+/]+)$'),
    pop3=re.compile(rb'(USER [\w.@-]+|PASS [\w-]+|STAT|LIST|UIDL|RETR [12]|TOP 1 0|QUIT|NOOP|CAPA|STLS|DELE 1)$'),
    imap=re.compile(rb'\w+ (LOGIN "?[\w.@-]+"? "[\w-]+"|SELECT INBOX|NOOP|CAPABILITY|LOGOUT|UID FETCH 1:\* \(BODY.PEEK\[\]\)|STORE 1:\* \S+ \(\\Deleted\)|EXPUNGE|STARTTLS|APPEND INBOX \{\d+\})$'))


class Toy:
    def __init__(self, mode, base, users, cert, key):
        self.mode, self.users, self.stop = mode, users, False
        self.box = {u: [] for u, _ in users}
        self.names, self.down = {}, {}
        self.lock = threading.RLock()
        self.ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ctx.load_cert_chain(cert, key)
        self.ls = []
        for svc, port in dict(smtp=25, submission=587, submissions=465, pop3=110, pop3s=995, imap=143, imaps=993).items():
            l = socket.socket()
            l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            l.bind(('127.0.0.1', base + port))
            l.listen(600)
            self.ls.append(l)
            threading.Thread(target=self.serve, args=(l, svc, threading.Lock()), daemon=True).start()

    def close(self):
        self.stop = True
        for l in self.ls:
            l.close()

    def serve(self, l, svc, one):
        while not self.stop:
            try:
                s, a = l.accept()
            except OSError:
                return
            if self.down.get(svc, 0) > time.time():
                s.close()
                continue
            if self.mode == 'one':
                self.talk(s, svc)
            else:
                threading.Thread(target=self.talk, args=(s, svc), daemon=True).start()

    def talk(self, s, svc):
        try:
            s.settimeout(60)
            if svc in ('submissions', 'pop3s', 'imaps') and not (self.mode == 'worse' and s.recv(1, socket.MSG_PEEK) != b'\x16'):
                s = self.ctx.wrap_socket(s, server_side=True)
            proto = 'smtp' if svc.startswith('s') else svc[:4]
            Talk(self, s, proto).run()
        except (OSError, ssl.SSLError, ValueError, EOFError):
            if self.mode == 'frail':
                self.down[svc] = time.time() + 3
        finally:
            try:
                s.close()
            except OSError:
                pass


class Talk:
    def __init__(self, toy, s, proto):
        self.t, self.s, self.proto, self.buf, self.eof = toy, s, proto, b'', False
        self.user, self.rcpt, self.frm, self.fake, self.helo = None, [], b'', b'', b''
        self.dele, self.created = set(), []
        self.strict = toy.mode in ('drop', 'mute')

    def more(self):
        d = self.s.recv(65536)
        if not d:
            self.eof = True
            raise EOFError
        self.buf += d

    def line(self):
        """CR, LF, CRLF and 2,048 octets all end a line"""
        while True:
            m = re.search(rb'\r\n|\n|\r|\xe2\x80\xa8|\x85|\x0b|\x0c' if self.t.mode == 'worse' else rb'\r\n|\n|\r' if not self.strict else rb'\r\n', self.buf)
            if m and not (m.group(0) == b'\r' and m.end() == len(self.buf)) and (self.strict or m.start() <= 2048):
                l, self.buf = self.buf[:m.start()], self.buf[m.end():]
                return l
            if not self.strict and len(self.buf) > 2048:
                l, self.buf = self.buf[:2048], self.buf[2048:]
                return l
            if self.strict and len(self.buf) > 100000:
                self.odd()
            self.more()

    def odd(self):
        if self.t.mode == 'drop':
            raise EOFError
        while True:                          # mute
            if not self.s.recv(65536):
                raise EOFError

    def out(self, b):
        self.s.sendall(b + b'\r\n')

    def tls(self):
        if self.t.mode == 'worse' and (self.buf or self.s.recv(1, socket.MSG_PEEK) != b'\x16'):
            return
        self.s = self.t.ctx.wrap_socket(self.s, server_side=True)      # what was read before stays in the buffer

    def run(self):
        self.out({'smtp': b'220 toy.example ESMTP', 'pop3': b'+OK toy', 'imap': b'* OK toy'}[self.proto])
        try:
            while True:
                l = self.line()
                if self.strict and not WELL[self.proto].match(l):
                    self.odd()
                if getattr(self, self.proto)(l) == 'bye':
                    return
        except EOFError:
            if self.proto == 'pop3' and not self.strict:
                self.expunge()
            raise

    def put(self, body, to):
        if not self.strict:
            body = re.sub(rb'\r\n|\n|\r', b'\r\n', body)
        head = b'Received: from %s%s\r\n' % (self.helo.replace(b'\r', b'\r\n'), self.fake)
        with self.t.lock:
            if self.t.mode == 'worse':
                to = [] if len(to) > 50 else to if b'settle-' in body or b'baseline-' in body else to * 2
            for u in to:
                self.t.box[u].append((head if not self.strict else b'') + body)

    # ---- SMTP
    def smtp(self, l):
        c = l[:4].upper()
        if c in (b'EHLO', b'HELO'):
            self.helo = l[5:]
            self.out(b'250-toy.example\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250-STARTTLS\r\n250-CHUNKING\r\n250-DSN\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN')
        elif c == b'RCPT':
            hits = [u for u, _ in self.t.users if u in l or u.split(b'@')[0] + b'"@' in l]
            if self.strict and not hits:
                return self.out(b'550 5.1.1 no')
            self.rcpt += hits
            self.out(b'250 2.1.5 ok')
        elif c == b'MAIL':
            self.frm = l
            self.out(b'250 2.1.0 ok ' + l[:60])
        elif c == b'RSET':
            if self.strict:
                self.rcpt = []
            self.out(b'250 ok')
        elif c == b'DATA':
            self.out(b'354 go')
            self.data()
            if self.strict:
                self.rcpt = []
        elif c == b'BDAT':
            self.bd = getattr(self, 'bd', b'')
            if b'LAST' in l.upper():
                self.put(self.bd + self.buf, self.rcpt)
            self.bd += self.buf
            if self.t.mode == 'worse':
                self.put(self.bd, self.rcpt)
            self.out(b'250 ok')
        elif l[:8].upper() == b'STARTTLS':
            self.out(b'220 go')
            self.tls()
        elif c in (b'XCLI', b'XFOR', b'PROX'):
            self.fake += l[8:]
            self.out(b'220 toy' if c == b'XCLI' else b'250 ok')
        elif c == b'AUTH':
            if b'PLAIN' in l.upper() and len(l) < 11 or b'LOGIN' in l.upper():
                self.out(b'334 ')
                self.line()
            self.out(b'235 ok')
        elif c == b'QUIT':
            self.out(b'221 bye')
            return None if not self.strict else 'bye'
        else:
            self.out(b'250 ok ' + l[:40])

    def data(self):
        body = b''
        try:
            while True:
                l = self.line()
                if self.strict and not re.match(rb'[\t\x20-\x7e]{0,998}$', l):
                    self.odd()
                if (l.strip(b'\0 \t\x0b\x0c') == b'.') if not self.strict else l == b'.':
                    break
                if self.strict and l[:1] == b'.':
                    l = l[1:]
                body += l + b'\r\n'
                if self.strict and len(body) > 100000:
                    self.odd()
        except EOFError:
            if not self.strict:
                self.put(body, self.rcpt)
            raise
        self.put(body, self.rcpt)
        if self.t.mode == 'worse' and not body:
            return
        self.out(b'250 queued')

    # ---- POP3
    def msgs(self):
        u = self.user if self.user in self.t.box else self.t.users[0][0]
        return self.t.box[u]

    def expunge(self):
        with self.t.lock:
            m = self.msgs()
            for i in sorted(self.dele, reverse=True):
                if i < len(m):
                    del m[i]
        self.dele = set()

    def pop3(self, l):
        w = l.split()
        c = w[0].upper() if w else b''
        n = int(w[1]) - 1 if len(w) > 1 and w[1].isdigit() else 0
        m = self.msgs() if self.user else []
        if c == b'USER':
            self.user = w[1] if len(w) > 1 and self.user is None else self.user
            self.out(b'+OK')
        elif c == b'STLS':
            self.out(b'+OK')
            self.tls()
        elif c == b'AUTH' and len(w) < 3:
            self.out(b'+ ')
            self.line()
            self.out(b'+OK Logged in')
        elif c == b'STAT':
            self.out(b'+OK %d %d' % (len(m), sum(map(len, m))))
        elif c in (b'LIST', b'UIDL') and len(w) == 1:
            self.out(b'+OK')
            for i, x in enumerate(m):
                self.out(b'%d %d' % (i + 1, len(x)))
            self.out(b'.')
        elif c in (b'RETR', b'TOP'):
            x = m[n] if n < len(m) else (m[0] if m else b'')
            self.out(b'+OK')
            self.s.sendall(x)
            self.out(b'.')
        elif c == b'CAPA':
            self.out(b'+OK\r\nUSER\r\nTOP\r\nUIDL\r\nPIPELINING\r\nSTLS\r\nSASL PLAIN\r\n.')
        elif c == b'DELE':
            self.dele.add(n)
            self.out(b'+OK')
        elif c == b'QUIT':
            self.expunge()
            self.out(b'+OK')
            return 'bye'
        else:
            self.out(b'+OK Logged in')

    # ---- IMAP
    def imap(self, l):
        w = l.split(None, 2)
        if len(w) < 2:
            return self.out(b'* OK huh')
        tag, c, rest = w[0], w[1].upper(), w[2] if len(w) > 2 else b''
        if c == b'UID':
            c, _, rest = rest.partition(b' ')
            c = c.upper()
        lit = re.search(rb'\{(-?\d*)\}$', l)
        data = b''
        if lit:
            n = int(lit.group(1) or 0)
            self.out(b'+ go')
            try:
                while len(self.buf) < min(n, 5_000_000):
                    self.more()
            except EOFError:
                if c == b'APPEND':
                    self.put(self.buf, [self.user])
                raise
            if n > 0:
                data, self.buf = self.buf[:n], self.buf[n:]
                self.line()
        m = self.msgs() if self.user else []
        if c == b'LOGIN':
            u = re.match(rb'"?([^"\s]*)', rest).group(1)
            self.user = u if u in self.t.box else (self.user or self.t.users[0][0])
        elif c == b'CAPABILITY':
            self.out(b'* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN LITERAL+ IDLE MULTIAPPEND COMPRESS=DEFLATE BINARY THREAD=REFERENCES CONDSTORE')
        elif c == b'SELECT':
            self.out(b'* %d EXISTS' % len(m))
        elif c == b'STARTTLS':
            self.out(tag + b' OK go')
            self.tls()
            return
        elif c == b'AUTHENTICATE':
            self.out(b'+ ')
            self.line()
        elif c == b'APPEND':
            if data or not lit:
                self.put(data or self.buf, [self.user])
        elif c == b'CREATE':
            self.created.append(rest)
            self.t.names.setdefault(self.user, []).append(rest)
        elif c == b'LIST':
            for n in [b'"INBOX"', b'"../etc"'] + self.t.names.get(self.user, []):
                self.out(b'* LIST () "/" ' + n)
        elif c == b'STORE':
            if b'Deleted' in rest:
                self.dele = set(range(len(m)))
        elif c == b'EXPUNGE':
            self.expunge()
        elif c == b'FETCH':
            if rest.endswith(b'(BODY.PEEK[])'):
                for i, x in enumerate(m):
                    self.s.sendall(b'* %d FETCH (UID %d BODY[] {%d}\r\n' % (i + 1, i + 1, len(x)) + x + b')\r\n')
            elif b'ENVELOPE' in rest:
                for i, x in enumerate(m):
                    self.s.sendall(b'* %d FETCH (UID %d FLAGS () INTERNALDATE "x" RFC822.SIZE %d ENVELOPE ("' % (i + 1, i + 1, len(x) + 1) + x[:30] + b'") BODY () BODYSTRUCTURE ())\r\n')
            else:
                for i, x in enumerate(m):
                    self.s.sendall(b'* %d FETCH (UID 4294967295 FLAGS (\\Seen))\r\n* %d EXPUNGE\r\n' % (i + 1, i + 1))
        elif c == b'IDLE':
            self.out(b'+ idling')
            while self.line() != b'DONE':
                pass
        elif c == b'LOGOUT':
            self.out(b'* BYE')
            self.out(tag + b' OK')
            return 'bye'
        self.out(tag + b' OK ' + c + b' done')


MODES = ('yes', 'drop', 'mute', 'one', 'worse', 'frail')


def selftest(R, A, cases):
    d = tempfile.mkdtemp(prefix='atk-toy-')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
                    '-keyout', d + '/key', '-out', d + '/cert'], check=True, stderr=subprocess.DEVNULL)
    A.host, A.ca, A.loop, A.settle, A.jobs = 'localhost', d + '/cert', True, 0.05, 12
    A.userlist = [(b'j%02d@judge.test' % i, b'pw-%d-secret' % i) for i in range(80)]
    caught = {c.id: [] for c in cases}
    why = {}
    base = 31000
    for mode in MODES:
        A.timescale = {'mute': 0.07, 'one': 0.1}.get(mode, 0.3)
        toy = Toy(mode, base, A.userlist, d + '/cert', d + '/key')
        A.base = base
        for k, v in R.PORTS.items():
            setattr(A, k, base + v)
        base += 2000
        try:
            R.gather_caps()
            if mode not in ('one', 'frail'):
                R.baseline()
            if mode == 'frail':
                time.sleep(4)
        except SystemExit as e:
            print('# %s: %s' % (mode, e))
        todo = [c for c in cases if not caught[c.id]] if mode == 'frail' else [c for c in cases if c.solo and c.theme == 'resource' or any(s[0] == 'probe' for s in c.steps)] if mode == 'one' else [c for c in cases if c.theme != 'resource' or c.id == 'res-after' and mode == 'worse']
        for c in todo:
            c.solo_, c.solo = c.solo, mode in ('one', 'frail')
        res = R.run_all(todo, quiet=True)
        for c in todo:
            c.solo = c.solo_
            if res[c.id][0] == 'fail':
                if res[c.id][1].startswith('RUNNER'):
                    print('# runner fault in', c.id, res[c.id][1])
                caught[c.id].append(mode)
                why.setdefault(c.id, {})[mode] = res[c.id][1]
        toy.close()
        print('# mode %-4s: %3d of %3d cases fail' % (mode, sum(mode in v for v in caught.values()), len(todo)))
        sys.stdout.flush()
    shutil.rmtree(d, True)
    for t in sorted({c.theme for c in cases}):
        cs = [c for c in cases if c.theme == t]
        print('%-10s %3d cases, caught:' % (t, len(cs)), *('%s %3d ' % (m, sum(m in caught[c.id] for c in cs)) for m in MODES), 'any %3d' % sum(bool(caught[c.id]) for c in cs))
    left = [c for c in cases if not caught[c.id]]
    for c in left:
        print('NEVER FAILS %s | %s' % (c.id, c.title))
    if A.json:
        import json
        json.dump(dict(caught=caught, why=why), open(A.json, 'w'), indent=1)
    print('%d of %d cases fail on at least one wrong server, %d only on closing/silent ones' % (
        len(cases) - len(left), len(cases), sum(1 for v in caught.values() if v and not set(v) - {'drop', 'mute'})))
    return 1 if left else 0
