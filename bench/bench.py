#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Side-by-side benchmark of mail servers.  See README.md.

  bench.py run   --peers postfix,dovecot23 --only W1,W5 --runs 3 --out results/x.jsonl
  bench.py phys  --out results/phys.jsonl
  bench.py table results/x.jsonl [...]
  bench.py list
"""
import argparse, glob, json, os, random, re, shutil, signal, statistics, subprocess, sys, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = os.environ.get('BENCH_WORK', '/tmp/bench')
MAIL = os.environ.get('BENCH_MAILROOT', WORK + '/mail')
VUID = int(os.environ.get('BENCH_VUID', '5000'))
os.environ['BENCH_MAILROOT'] = MAIL
CG = '/sys/fs/cgroup'
V2 = os.path.exists(CG + '/cgroup.controllers')
CTRL = ['.'] if V2 else ['cpuacct', 'cpu']
HZ = os.sysconf('SC_CLK_TCK')
SCALE = 1.0


def rd(p):
    with open(p) as f:
        return f.read()


# ------------------------------------------------------------- accounting --
class Cgroup:
    """CPU time of everything started in it (exited children too), and its pids."""

    def __init__(self, name):
        self.dirs = [f'{CG}/{c}/bench_{name}' for c in CTRL]
        for d in self.dirs:
            os.makedirs(d, exist_ok=True)
            try:  # other work on the machine should disturb less
                open(d + ('/cpu.weight' if V2 else '/cpu.shares'), 'w').write('10000' if V2 else '262144')
            except OSError:
                pass

    def join(self):
        for d in self.dirs:
            with open(d + '/cgroup.procs', 'w') as f:
                f.write(str(os.getpid()))

    def cpu(self):
        d = self.dirs[0]
        if V2:
            m = dict(l.split() for l in rd(d + '/cpu.stat').splitlines())
            return int(m['user_usec']) / 1e6, int(m['system_usec']) / 1e6
        return int(rd(d + '/cpuacct.usage_user')) / 1e9, int(rd(d + '/cpuacct.usage_sys')) / 1e9

    def pids(self):
        return [int(x) for x in rd(self.dirs[0] + '/cgroup.procs').split()]

    def mem(self):
        """(PSS, RSS, anonymous PSS) in KiB over all processes, and their number."""
        pss = rss = anon = n = 0
        for p in self.pids():
            try:
                s = rd(f'/proc/{p}/smaps_rollup')
            except OSError:
                continue
            n += 1
            pss += int(re.search(r'^Pss:\s+(\d+)', s, re.M)[1])
            rss += int(re.search(r'^Rss:\s+(\d+)', s, re.M)[1])
            m = re.search(r'^Pss_Anon:\s+(\d+)', s, re.M)
            anon += int(m[1]) if m else 0
        return pss, rss, anon, n

    def killall(self):
        for sig in [signal.SIGTERM] + [signal.SIGKILL] * 10:
            ps = self.pids()
            for p in ps:
                try:
                    os.kill(p, sig)
                except OSError:
                    pass
            if not ps:
                return
            time.sleep(0.5)


def machine():
    a = [int(x) for x in rd('/proc/stat').split('\n', 1)[0].split()[1:]]
    busy = sum(a) - a[3] - a[4]
    dev = os.environ.get('BENCH_DISK', 'vda')
    try:
        d = [int(x) for x in rd(f'/sys/block/{dev}/stat').split()]
    except OSError:
        d = [0] * 17
    return {'busy': (busy - a[7]) / HZ, 'steal': a[7] / HZ, 'writes': d[4], 'wsect': d[6], 'reads': d[0], 'flushes': d[15] if len(d) > 15 else 0}


SRV = Cgroup('server')
GEN = Cgroup('gen')


class Measure:
    def __enter__(self):
        self.peak = [0, 0, 0]
        self.stop = threading.Event()
        self.m0, self.c0, self.g0, self.t0 = machine(), SRV.cpu(), GEN.cpu(), time.monotonic()
        self.th = threading.Thread(target=self.sample)
        self.th.start()
        return self

    def sample(self):
        while not self.stop.wait(0.4):
            a = time.monotonic()
            pss, rss, anon, n = SRV.mem()
            self.peak = [max(self.peak[0], pss), max(self.peak[1], rss), max(self.peak[2], n)]
            b = time.monotonic() - a
            if b > 0.02:  # never take more than a few per cent of the machine
                self.stop.wait(b * 20)

    def __exit__(self, *a):
        m, c, g, t = machine(), SRV.cpu(), GEN.cpu(), time.monotonic()
        self.stop.set()
        self.th.join()
        if not self.peak[0]:
            p = SRV.mem()
            self.peak = [p[0], p[1], p[3]]
        d = {k: m[k] - self.m0[k] for k in m}
        self.r = {'wall': round(t - self.t0, 4), 'cpu_user': round(c[0] - self.c0[0], 3), 'cpu_sys': round(c[1] - self.c0[1], 3),
                  'gen_cpu': round(g[0] + g[1] - self.g0[0] - self.g0[1], 3), 'peak_pss_kb': self.peak[0],
                  'peak_rss_kb': self.peak[1], 'peak_procs': self.peak[2], 'disk_writes': d['writes'],
                  'disk_write_kb': d['wsect'] // 2, 'disk_reads': d['reads'], 'disk_flushes': d['flushes'], 'steal': round(d['steal'], 2)}
        self.r['other_cpu'] = round(max(0, d['busy'] - self.r['cpu_user'] - self.r['cpu_sys'] - self.r['gen_cpu']), 2)
        return False


def gen(args, **kw):
    """A load generator process in its own cgroup."""
    return subprocess.Popen([str(a) for a in args], stdout=subprocess.PIPE, stdin=kw.pop('stdin', subprocess.DEVNULL),
                            text=True, preexec_fn=GEN.join, **kw)


def load(*args):
    p = gen([WORK + '/mailload', *args])
    out = p.communicate()[0]
    return json.loads(out.strip().splitlines()[-1])


# ---------------------------------------------------------------- servers --
class Stack:
    """One or more drivers ('dovecot23:default+postfix:lmtp') started in the server cgroup."""

    def __init__(self, spec):
        self.spec, self.parts = spec, [p.split(':') for p in spec.split('+')]
        self.ports = {}

    def rundir(self, drv):
        d = os.environ.get('BENCH_RUN', WORK + '/run') + '/' + ('dovecot' if drv.startswith('dovecot') else drv)
        os.makedirs(d, exist_ok=True)
        return d

    def call(self, drv, *a, check=True):
        own = os.environ.get('BENCH_DRIVERS', '')
        exe = f'{own}/{drv}' if own and os.path.exists(f'{own}/{drv}') else f'{HERE}/drivers/{drv}'
        return subprocess.run([exe, *a], preexec_fn=SRV.join, check=check, stdout=subprocess.DEVNULL,
                              timeout=120)

    def __enter__(self):
        SRV.killall()  # leftovers of a run that was broken off
        for drv, prof in self.parts:
            r = self.rundir(drv)
            shutil.rmtree(r, ignore_errors=True)
            os.makedirs(r, exist_ok=True)
            try:
                self.call(drv, 'start', r, prof)
            except Exception:
                SRV.killall()
                raise
            for l in rd(r + '/ports').split():
                k, v = l.split('=', 1)
                self.ports[k] = v
        time.sleep(0.5)
        return self

    def __exit__(self, *a):
        for drv, prof in reversed(self.parts):
            self.call(drv, 'stop', self.rundir(drv), check=False)
        SRV.killall()
        return False

    def wipe(self):
        for drv, prof in self.parts:
            self.call(drv, 'wipe', self.rundir(drv))

    def forget(self, user):
        for drv, prof in self.parts:
            self.call(drv, 'forget', self.rundir(drv), user)

    def settle(self, limit=60):
        """Wait until the server is quiet (its CPU use is below 3 % for half a second)."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            a = sum(SRV.cpu())
            time.sleep(0.5)
            if sum(SRV.cpu()) - a < 0.015:
                return

    def p(self, k):
        return self.ports[k]


# ----------------------------------------------------------------- corpus --
def words(rnd, n):
    w = ['lorem', 'ipsum', 'server', 'mail', 'delivery', 'queue', 'report', 'please', 'find', 'attached', 'minutes', 'of', 'the',
         'meeting', 'regards', 'invoice', 'status', 'update', 'schedule', 'tomorrow', 'review', 'and', 'with', 'from']
    out, l = [], ''
    while n > 0:
        x = rnd.choice(w)
        if len(l) + len(x) > 72:
            out.append(l)
            n -= len(l) + 2
            l = ''
        l = (l + ' ' + x) if l else x
    return '\r\n'.join(out)


def corpus(user, count, size):
    """A Maildir of count messages of about size bytes (30 % multipart), all in cur/."""
    rnd = random.Random(count * 7 + size)
    base = f'{MAIL}/{user}/Maildir'
    shutil.rmtree(f'{MAIL}/{user}', ignore_errors=True)
    for s in ('tmp', 'new', 'cur'):
        os.makedirs(f'{base}/{s}')
    bodies = [words(rnd, max(64, size - 900)) for _ in range(16)]
    t = 1760000000
    for i in range(count):
        h = (f'Return-Path: <s{i % 977}@client.test>\r\nReceived: from client.test (client.test [192.0.2.{i % 250}])\r\n\tby mx.example.test with ESMTP id '
             f'{i:08X}\r\n\tfor <{user}@example.test>; Mon, 5 Jan 2026 10:00:00 +0000\r\nFrom: "Sender {i % 977}" <s{i % 977}@client.test>\r\n'
             f'To: "User" <{user}@example.test>, "Other {i % 31}" <o{i % 31}@example.test>\r\nSubject: message {i} about {rnd.randrange(10**6)}\r\n'
             f'Date: Mon, 5 Jan 2026 10:{i // 60 % 60:02d}:{i % 60:02d} +0000\r\nMessage-ID: <{i}.{count}.{rnd.randrange(10**9)}@client.test>\r\nMIME-Version: 1.0\r\n')
        b = bodies[i % 16]
        if i % 10 < 3:
            h += 'Content-Type: multipart/alternative; boundary="=_b0"\r\n\r\n'
            k = len(b) // 2
            b = (f'--=_b0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n{b[:k]}\r\n--=_b0\r\n'
                 f'Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n<p>{b[k:]}</p>\r\n--=_b0--\r\n')
        else:
            h += 'Content-Type: text/plain; charset=utf-8\r\n\r\n'
            b += '\r\n'
        m = (h + b).encode()
        n = f'{base}/cur/{t + i}.M{i % 1000000}P1.mx,S={len(m)},W={len(m)}:2,' + ('S' if i % 3 else '')
        fd = os.open(n, os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(fd, m)
        os.close(fd)
        os.utime(n, (t + i, t + i))
    subprocess.run(['chown', '-R', f'{VUID}:{VUID}', f'{MAIL}/{user}'], check=True)


def reset_mail():
    for _ in range(5):
        shutil.rmtree(MAIL, ignore_errors=True)
        if not os.path.exists(MAIL):
            break
        time.sleep(0.5)
    os.makedirs(MAIL, exist_ok=True)
    os.chown(MAIL, VUID, VUID)


def drop_caches():
    os.sync()
    open('/proc/sys/vm/drop_caches', 'w').write('3')


# -------------------------------------------------------------- workloads --
W = {}


def workload(name, role, desc):
    def deco(f):
        W[name] = (role, desc, f)
        return f
    return deco


def N(n):
    return max(1, int(n * SCALE))


def smtp_accept(n, conns, size, rcpts=1, keep=True, extra=()):
    def f(spec, runs):
        with Stack(spec) as s:
            load('smtp', '-p', s.p('SMTP'), '-n', 50, '-c', 5)
            for _ in range(runs):
                s.settle()
                s.wipe()
                os.sync()
                with Measure() as m:
                    g = load('smtp', '-p', s.p('SMTP'), '-n', N(n), '-c', conns, '-s', size, '-r', rcpts, '-U', 1000, '-T', 120,
                             *([] if keep else ['-1']), *extra)
                yield {**m.r, **g, 'value': g['rate'], 'unit': 'msg/s', 'cpu_ms_per_op': 1e3 * (m.r['cpu_user'] + m.r['cpu_sys']) / max(1, g['ops'])}
    return f


for name, a, d in [
    ('W1.c20', dict(n=10000, conns=20, size=4096, keep=False), '10k x 4 KiB, 20 sessions, one message per connection'),
    ('W1.c20k', dict(n=10000, conns=20, size=4096), '10k x 4 KiB, 20 sessions kept open'),
    ('W1.c1', dict(n=1000, conns=1, size=4096, keep=False), '1k x 4 KiB, 1 session, one message per connection'),
    ('W1.c1k', dict(n=1000, conns=1, size=4096), '1k x 4 KiB, 1 session kept open'),
    ('W1.big', dict(n=200, conns=20, size=1 << 20), '200 x 1 MiB, 20 sessions'),
    ('W1.r50', dict(n=1000, conns=20, size=4096, rcpts=50), '1000 x 4 KiB x 50 recipients, 20 sessions'),
    ('W1.r50p', dict(n=1000, conns=20, size=4096, rcpts=50, extra=['-P']), 'same, client pipelines'),
]:
    W[name] = ('accept', 'SMTP accept to durable queue, no delivery: ' + d, smtp_accept(**a))
W['W1.disc'] = ('discard', 'SMTP accept, queue manager, discard delivery: 10k x 4 KiB, 20 sessions', smtp_accept(10000, 20, 4096, keep=False))


def deliver(users, n, conns):
    def f(spec, runs):
        for _ in range(runs):
            reset_mail()
            dirs = []
            for u in range(users):
                for sub in ('tmp', 'new', 'cur'):
                    os.makedirs(f'{MAIL}/u{u}/Maildir/{sub}')
                dirs.append(f'{MAIL}/u{u}/Maildir/new')
            subprocess.run(['chown', '-R', f'{VUID}:{VUID}', MAIL], check=True)
            with Stack(spec) as s:
                s.settle(10)
                w = gen([WORK + '/dirwait', N(n), 120, *dirs])
                w.stdout.readline()
                os.sync()
                with Measure() as m:
                    t0 = time.monotonic()
                    g = load('smtp', '-p', s.p('SMTP'), '-n', N(n), '-c', conns, *([] if os.environ.get('BENCH_KEEP') else ['-1']), '-U', users, '-T', 110)
                    o = json.loads(w.communicate()[0].strip().splitlines()[-1])
                el = o['last'] - t0
                yield {**m.r, **g, 'value': o['arrived'] / el, 'unit': 'msg/s', 'accept_rate': g['rate'], 'delivered': o['arrived'],
                       'deliver_s': el, 'cpu_ms_per_op': 1e3 * (m.r['cpu_user'] + m.r['cpu_sys']) / max(1, o['arrived'])}
    return f


W['W2'] = ('deliver', 'SMTP in to local Maildir: 10k x 4 KiB, 100 mailboxes, 20 sessions, until the last arrives', deliver(100, 10000, 20))


def lmtp(conns, n):
    def f(spec, runs):
        for _ in range(runs):
            reset_mail()
            with Stack(spec) as s:
                load('smtp', '-L', '-p', s.p('LMTP'), '-n', 100, '-c', 1, '-U', 100)
                os.sync()
                with Measure() as m:
                    g = load('smtp', '-L', '-p', s.p('LMTP'), '-n', N(n), '-c', conns, '-U', 100, '-T', 120)
                yield {**m.r, **g, 'value': g['rate'], 'unit': 'msg/s', 'cpu_ms_per_op': 1e3 * (m.r['cpu_user'] + m.r['cpu_sys']) / max(1, g['ops'])}
    return f


W['W2.lmtp20'] = ('lmtp', 'LMTP straight to Maildir: 5k x 4 KiB, 100 mailboxes, 20 sessions kept open', lmtp(20, 5000))
W['W2.lmtp1'] = ('lmtp', 'same, 1 session, 1k messages', lmtp(1, 1000))


def nameserver():
    """nsd with d0.test to d999.test: an MX each, on an address of its own."""
    d = WORK + '/nsd'
    os.makedirs(d, exist_ok=True)
    with open(d + '/test.zone', 'w') as f:
        f.write('$ORIGIN test.\n$TTL 3600\n@ SOA ns hostmaster 1 3600 600 86400 3600\n@ NS ns\nns A 127.0.0.1\n')
        for i in range(1000):
            f.write(f'd{i} MX 10 mx.d{i}\nmx.d{i} A 127.1.{i // 250}.{i % 250 + 1}\n')
    with open(d + '/nsd.conf', 'w') as f:
        f.write(f'server:\n ip-address: 127.0.0.1\n username: ""\n zonesdir: "{d}"\n pidfile: ""\n xfrdir: "{d}"\n zonelistfile: "{d}/zone.list"\n'
                ' xfrdfile: ""\nremote-control:\n control-enable: no\nzone:\n name: test\n zonefile: test.zone\n')
    with open(d + '/resolv.conf', 'w') as f:
        f.write('nameserver 127.0.0.1\n')
    subprocess.run(['mount', '--bind', d + '/resolv.conf', '/etc/resolv.conf'], check=True)
    return gen(['nsd', '-d', '-c', d + '/nsd.conf'], stderr=subprocess.DEVNULL)


def relay(doms, port=12600, rcpts=1, n=10000, keep=False):
    """Until the sink has all of it; value: messages a second, of rcpts recipients each."""
    def f(spec, runs):
        if port == 25 and os.environ.get('BENCH_MOUNTED') != 'yes':
            raise RuntimeError('needs a name space of its own: start it by bench/run')
        dns = nameserver() if port == 25 else None
        try:
            for _ in range(runs):
                with Stack(spec) as s:
                    sink = gen([WORK + '/mailload', 'sink', '-p', port, '-n', N(n), '-r', rcpts, '-T', 120])
                    sink.stdout.readline()
                    s.settle(10)
                    os.sync()
                    with Measure() as m:
                        t0 = time.monotonic()
                        g = load('smtp', '-p', s.p('SMTP'), '-n', N(n), '-c', 20, *([] if keep or os.environ.get('BENCH_KEEP') else ['-1']),
                                 '-r', rcpts, '-R', 'u%d@d%d.test', '-U', 1000, '-D', doms, '-T', 110)
                        o = json.loads(sink.communicate()[0].strip().splitlines()[-1])
                    el = o['last'] - t0
                    yield {**m.r, **g, 'value': o['rcpts'] / rcpts / el, 'unit': 'msg/s', 'accept_rate': g['rate'], 'delivered': o['messages'],
                           'rcpts': o['rcpts'], 'rcpt_rate': o['rcpts'] / el, 'deliver_s': el, 'out_conns': o['conns'], 'out_peak_conns': o['peak_conns'],
                           'cpu_ms_per_op': 1e3 * (m.r['cpu_user'] + m.r['cpu_sys']) * rcpts / max(1, o['rcpts'])}
        finally:
            if dns:
                dns.terminate()
                dns.wait()
                subprocess.run(['umount', '/etc/resolv.conf'])
    return f


W['W3.d1'] = ('relay1', 'relay: SMTP in, queue, SMTP out; 10k x 4 KiB, 1 destination', relay(1))
W['W3.d1000'] = ('relay1000', 'relay: 10k x 4 KiB, 1000 destination domains', relay(1000))
W['W3.dns'] = ('relaydns', 'same, the destinations found by their MX', relay(1000, port=25))
W['W3.r50'] = ('relay1', 'relay: 2k x 4 KiB x 50 recipients, 1 destination, sessions kept', relay(1, rcpts=50, n=2000, keep=True))


def submission(port, tls, conns=20, n=2000, sender='sender@client.test'):
    def f(spec, runs):
        with Stack(spec) as s:
            # everybody has logged in before: what a password digest costs
            # (yescrypt: 20 ms and more) is no matter of TLS
            load('smtp', '-p', s.p(port), '-t', tls, '-a', '-1', '-n', 300, '-c', 5, '-U', 100, '-F', sender)
            for _ in range(runs):
                s.wipe()
                s.settle()
                with Measure() as m:
                    g = load('smtp', '-p', s.p(port), '-t', tls, '-a', '-1', '-n', N(n), '-c', conns, '-U', 100, '-F', sender, '-T', 120)
                yield {**m.r, **g, 'value': g['rate'], 'unit': 'sess/s', 'cpu_ms_per_op': 1e3 * (m.r['cpu_user'] + m.r['cpu_sys']) / max(1, g['ops'])}
    return f


W['W4.rsa'] = ('submission-rsa', 'submission: new TLS connection + AUTH PLAIN + 4 KiB message each (STARTTLS, RSA-2048)', submission('SUBMISSION', 'starttls'))
W['W4.ec'] = ('submission-ec', 'same, implicit TLS, ECDSA P-256', submission('SUBMISSIONS', 'tls'))
W['W4.dkim'] = ('submission-dkim', 'same, signed (DKIM, RSA-2048)', submission('SUBMISSIONS', 'tls', sender='sender@elsewhere.test'))


def per_session(m, g, unit='sess/s'):
    return {**m.r, **g, 'value': g['rate'], 'unit': unit, 'cpu_ms_per_op': 1e3 * (m.r['cpu_user'] + m.r['cpu_sys']) / max(1, g['ops'])}


def imap_sessions(port, tls, n, cmds=('FETCH 1:* (FLAGS)',)):
    def f(spec, runs):
        reset_mail()
        for u in range(100):
            corpus(f'u{u}', 100, 4096)
        x = [a for c in cmds for a in ('-x', c)]
        with Stack(spec) as s:
            load('imap-session', '-p', s.p('IMAP'), '-n', 200, '-c', 10, '-U', 100, *x)
            for _ in range(runs):
                s.settle()
                with Measure() as m:
                    g = load('imap-session', '-p', s.p(port), '-t', tls, '-n', N(n), '-c', 20, '-U', 100, '-T', 120, *x)
                yield per_session(m, g)
    return f


W['W5.sess'] = ('imap', 'IMAP login+select+fetch flags+logout, 100 mailboxes x 100 messages, 20 at once', imap_sessions('IMAP', 'plain', 1000))
W['W5.sesstls'] = ('imap', 'same over implicit TLS (RSA-2048)', imap_sessions('IMAPS', 'tls', 500))


def imap_big(count):
    """SELECT, FETCH, STORE and SEARCH on one very large mailbox."""
    full = 'FETCH 1:* (FLAGS UID RFC822.SIZE INTERNALDATE ENVELOPE BODYSTRUCTURE)'

    def one(s, what, cmds, pre=None, sel='INBOX'):
        with Measure() as m:
            g = load('imap-cmd', '-p', s.p('IMAP'), '-O', 9000, '-U', 1, *[a for c in (f'SELECT {sel}', *cmds) for a in ('-x', c)], '-T', 400)
        r = []
        sec = g['cmds'][-1]
        return {**m.r, 'what': what, 'sub': what, 'value': sec['mean_s'], 'unit': 's', 'bytes': sec['bytes'], 'untagged': sec['untagged'],
                'ops': g['ops'], 'errors': g['errors'], 'timeout': g['timeout'], 'last_error': g['last_error']}

    def f(spec, runs):
        reset_mail()
        n = N(count)
        corpus('u9000', n, 4096)
        with Stack(spec) as s:
            for i in range(runs):
                s.forget('u9000')
                drop_caches()
                yield one(s, 'SELECT, no index, page cache dropped', [])
                drop_caches()
                yield one(s, 'SELECT, index there, page cache dropped', [])
                yield one(s, 'SELECT, warm', [])
                yield one(s, 'FETCH FLAGS, warm', ['FETCH 1:* (FLAGS)'])
                drop_caches()
                yield one(s, 'FETCH ENVELOPE.., nothing cached', [full])
                yield one(s, 'FETCH ENVELOPE.., warm', [full])
                s.forget('u9000')
                yield one(s, 'SELECT, no index, files in page cache', [])
                yield one(s, 'FETCH ENVELOPE.., no index, files in page cache', [full])
                yield one(s, 'SEARCH TEXT (not found), files in page cache', ['SEARCH TEXT zqxzqxzq'])
                yield one(s, 'SEARCH SUBJECT, warm', ['SEARCH SUBJECT zqxzqxzq'])
                yield one(s, 'SEARCH UNSEEN, warm', ['SEARCH UNSEEN'])
                yield one(s, 'STORE 1:* +FLAGS.SILENT (one command)', ['STORE 1:* +FLAGS.SILENT (\\Flagged)'])
                yield one(s, 'STORE 1:* -FLAGS.SILENT (one command)', ['STORE 1:* -FLAGS.SILENT (\\Flagged)'])
    return f


W['W5.big'] = ('imap', 'IMAP on one mailbox of 100k messages of 4 KiB', imap_big(100000))


def imap_body(count, size, what):
    def f(spec, runs):
        reset_mail()
        corpus('u9001', N(count), size)
        with Stack(spec) as s:
            load('imap-cmd', '-p', s.p('IMAP'), '-O', 9001, '-x', 'SELECT INBOX', '-x', 'FETCH 1:* (BODY.PEEK[])')
            for tls, port in (('plain', 'IMAP'), ('tls', 'IMAPS')):
                for _ in range(runs):
                    with Measure() as m:
                        g = load('imap-cmd', '-p', s.p(port), '-t', tls, '-O', 9001, '-x', 'SELECT INBOX', '-x', 'FETCH 1:* (BODY.PEEK[])', '-T', 120)
                    c = g['cmds'][1]
                    mb = c['bytes'] / 1e6
                    yield {**m.r, **g, 'sub': f'{what}, {tls}', 'value': mb / c['mean_s'] if c['mean_s'] else 0, 'unit': 'MB/s',
                           'cpu_ms_per_op': 1e3 * (m.r['cpu_user'] + m.r['cpu_sys']) / max(1, mb)}
    return f


W['W5.body64k'] = ('imap', 'FETCH of all bodies, 2000 x 64 KiB, warm, 1 connection (cpu per MB)', imap_body(2000, 65536, '64 KiB'))
W['W5.body4k'] = ('imap', 'FETCH of all bodies, 10k x 4 KiB, warm, 1 connection (cpu per MB)', imap_body(10000, 4096, '4 KiB'))


def imap_append(conns, n):
    def f(spec, runs):
        for _ in range(runs):
            reset_mail()
            with Stack(spec) as s:
                load('append', '-p', s.p('IMAP'), '-c', conns, '-n', conns, '-U', conns)
                os.sync()
                with Measure() as m:
                    g = load('append', '-p', s.p('IMAP'), '-c', conns, '-n', N(n), '-U', conns, '-T', 120)
                yield per_session(m, g, 'msg/s')
    return f


W['W5.app1'] = ('imap', 'IMAP APPEND 4 KiB, 1 connection', imap_append(1, 1000))
W['W5.app20'] = ('imap', 'IMAP APPEND 4 KiB, 20 connections to 20 mailboxes', imap_append(20, 5000))


def imap_store(conns):
    def f(spec, runs):
        reset_mail()
        for u in range(conns):
            corpus(f'u{u}', 100, 4096)
        with Stack(spec) as s:
            load('imap-cmd', '-p', s.p('IMAP'), '-c', conns, '-U', conns, '-x', 'SELECT INBOX')
            for _ in range(runs):
                with Measure() as m:
                    g = load('imap-cmd', '-p', s.p('IMAP'), '-c', conns, '-U', conns, '-m', 100, '-k', 1, '-x', 'SELECT INBOX',
                             *[a for i in range(1, 31) for a in ('-x', f'STORE {i} +FLAGS (\\Flagged)', '-x', f'STORE {i} -FLAGS (\\Flagged)')], '-T', 60)
                yield per_session(m, g, 'cmd/s')
    return f


W['W5.store'] = ('imap', 'IMAP STORE of one flag on one message, 20 connections to 20 mailboxes of 100', imap_store(20))


def imaptest(clients, secs):
    def f(spec, runs):
        exe = shutil.which('imaptest') or WORK + '/imaptest'
        if not os.path.exists(exe):
            return
        mbox = WORK + '/imaptest.mbox'
        rnd = random.Random(1)
        with open(mbox, 'w') as o:
            for i in range(200):
                o.write(f'From x@client.test Mon Jan  5 10:00:00 2026\nFrom: s{i}@client.test\nTo: u@example.test\nSubject: m {i}\n'
                        f'Date: Mon, 5 Jan 2026 10:00:00 +0000\nMessage-ID: <{i}@it.test>\n\n{words(rnd, 3000)}\n\n')
        for _ in range(runs):
            reset_mail()
            with Stack(spec) as s:
                with Measure() as m:
                    p = gen([exe, 'host=127.0.0.1', 'port=' + s.p('IMAP'), 'user=u%d', 'users=50', 'pass=test', f'clients={clients}',
                             f'secs={secs}', 'mbox=' + mbox, 'seed=1', 'no_tracking', 'disconnect_quit'], stderr=subprocess.STDOUT, cwd=WORK)
                    out = p.communicate(timeout=secs + 60)[0]
                tot = 0
                lines = [l for l in out.splitlines() if l.strip()]
                # "Totals:" header lines: names, percentages, then counts
                for i, l in enumerate(lines):
                    if l.startswith('Totals'):
                        for k in lines[i + 1:i + 5]:
                            f_ = k.split()
                            if f_ and all(x.isdigit() for x in f_):
                                tot = sum(map(int, f_))
                errs = sum('Error' in l or 'BAD' in l for l in lines)
                yield {**m.r, 'ops': tot, 'errors': errs, 'value': tot / secs, 'unit': 'cmd/s', 'tail': lines[-6:],
                       'cpu_ms_per_op': 1e3 * (m.r['cpu_user'] + m.r['cpu_sys']) / max(1, tot)}
    return f


W['W5.imaptest'] = ('imap', 'imaptest default mix, 50 clients, 50 users, 20 s', imaptest(50, 20))


def idle(port, tls, conns, users):
    def f(spec, runs):
        for _ in range(runs):
            reset_mail()
            for u in range(users):
                corpus(f'u{u}', 100, 4096)
            with Stack(spec) as s:
                load('imap-session', '-p', s.p('IMAP'), '-n', users, '-c', 4, '-U', users)
                s.settle(5)
                b = SRV.mem()
                f0 = int(next(l for l in rd('/proc/meminfo').splitlines() if l.startswith('MemAvailable')).split()[1])
                with Measure() as m:
                    p = gen([WORK + '/mailload', 'idle', '-p', s.p(port), '-t', tls, '-c', conns, '-U', users, '-q', 20, '-T', 200], stdin=subprocess.PIPE)
                    ready = p.stdout.readline().split()
                time.sleep(4)
                s.settle(5)
                a = SRV.mem()
                f1 = int(next(l for l in rd('/proc/meminfo').splitlines() if l.startswith('MemAvailable')).split()[1])
                got = int(ready[1]) if ready and ready[0] == 'READY' else 0
                c0 = sum(SRV.cpu())
                time.sleep(5)
                idlecpu = (sum(SRV.cpu()) - c0) / 5
                r = {**m.r, 'connected': got, 'failed': ready[2:], 'value': (a[0] - b[0]) / max(1, got), 'unit': 'KiB PSS/conn',
                     'rss_per_conn_kb': (a[1] - b[1]) / max(1, got), 'anon_per_conn_kb': (a[2] - b[2]) / max(1, got),
                     'sysmem_per_conn_kb': (f0 - f1) / max(1, got), 'procs': a[3], 'base_pss_kb': b[0], 'idle_cpu_frac': idlecpu,
                     'ops': got, 'errors': 0, 'cpu_ms_per_op': 1e3 * (m.r['cpu_user'] + m.r['cpu_sys']) / max(1, got)}
                # one message to every user; how long until all connections have EXISTS
                c0 = sum(SRV.cpu())
                p.stdin.write('MARK\n')
                p.stdin.flush()
                for u in range(users):
                    d = f'{MAIL}/u{u}/Maildir'
                    t = f'{d}/tmp/1790000000.{u}.x'
                    open(t, 'w').write('From: a@client.test\r\nSubject: wake\r\n\r\nx\r\n')
                    os.chown(t, VUID, VUID)
                    os.rename(t, f'{d}/new/1790000000.{u}.x')
                th = threading.Timer(60, p.kill)
                th.start()
                n = p.stdout.readline().split()
                if n and n[0] == 'NOTIFIED':
                    r.update(notified=int(n[1]), notify_p50_ms=float(n[2]), notify_p99_ms=float(n[3]), notify_max_ms=float(n[4]),
                             notify_cpu_s=sum(SRV.cpu()) - c0)
                try:
                    p.stdin.write('QUIT\n')
                    p.stdin.close()
                except OSError:
                    pass
                p.wait()
                th.cancel()
                yield r
    return f


W['W6.plain'] = ('idle', '1000 IMAP connections in IDLE, 100 users, plain', idle('IMAP', 'plain', 1000, 100))
W['W6.tls'] = ('idle', '1000 IMAP connections in IDLE, 100 users, TLS', idle('IMAPS', 'tls', 1000, 100))


def pop3(conns, n, users, msgs, extra, what):
    def f(spec, runs):
        reset_mail()
        for u in range(users):
            corpus(f'u{u}', N(1000), 4096)
        with Stack(spec) as s:
            load('pop3', '-p', s.p('POP3'), '-n', users, '-c', 2, '-U', users)
            for _ in range(runs):
                with Measure() as m:
                    g = load('pop3', '-p', s.p('POP3'), '-c', conns, '-n', n, '-U', users, '-m', msgs, '-T', 120, *extra)
                r = per_session(m, g)
                if msgs:
                    mb = g['bytes_in'] / 1e6
                    r.update(value=mb / g['seconds'] if g['seconds'] else 0, unit='MB/s', sess_per_s=g['rate'], msgs_per_s=g['untagged'] / g['seconds'],
                             cpu_ms_per_op=1e3 * (m.r['cpu_user'] + m.r['cpu_sys']) / max(1, mb))
                yield r
    return f


W['W7.c1'] = ('pop3', 'POP3 login+STAT+UIDL+RETR of 1000 x 4 KiB, 1 connection (cpu per MB)', pop3(1, 8, 8, 1, (), ''))
W['W7.c8'] = ('pop3', 'same, 8 connections to 8 mailboxes', pop3(8, 40, 8, 1, (), ''))
W['W7.c8p'] = ('pop3', 'same, client pipelines RETR', pop3(8, 40, 8, 1, ('-P',), ''))
W['W7.check'] = ('pop3', 'POP3 login+STAT+UIDL+QUIT, 1000 messages, 8 connections', pop3(8, 4000, 8, 0, (), ''))


# --------------------------------------------------------------- commands --
def cmd_run(a):
    global SCALE
    SCALE = a.scale
    peers = json.load(open(HERE + '/peers.json'))
    if os.environ.get('BENCH_PEERS'):
        peers.update(json.load(open(os.environ['BENCH_PEERS'])))
    os.makedirs(WORK, exist_ok=True)
    build()
    out = open(a.out, 'a') if a.out else None
    for name, (role, desc, fn) in W.items():
        if a.only and not any(name == o or name.startswith(o + '.') or name == o for o in a.only.split(',')):
            continue
        turns = [(peer, a.runs, 0) for peer in a.peers.split(',')]
        if a.alternate:
            turns = [(peer, 1, i) for i in range(a.runs) for peer in a.peers.split(',')]
        for peer, runs, first in turns:
            spec = peers[peer].get(role)
            if not spec:
                continue
            t = time.time()
            try:
                for i, r in enumerate(fn(spec, runs), first):
                    r = {'workload': name, 'peer': peer, 'spec': spec, 'run': i, 'at': int(time.time()), **r}
                    if out:
                        out.write(json.dumps(r) + '\n')
                        out.flush()
                    print(f"{name:12} {peer:16} {r.get('sub', ''):48} {r['value']:10.3f} {r['unit']:8} cpu {r['cpu_user']:.2f}+{r['cpu_sys']:.2f} "
                          f"gen {r.get('gen_cpu', 0):.2f} other {r.get('other_cpu', 0):.2f} wall {r['wall']:.2f} err {r.get('errors')} "
                          f"flush {r.get('disk_flushes')} pss {r.get('peak_pss_kb', 0) // 1024}M {r.get('last_error', '')[:60]}", flush=True)
            except Exception as e:
                print(f'{name} {peer}: {type(e).__name__}: {e}', flush=True)
                SRV.killall()
                GEN.killall()
            print(f'# {name} {peer} took {time.time() - t:.1f} s', flush=True)


def build():
    for c, libs in (('mailload', ['-lssl', '-lcrypto']), ('dirwait', []), ('phys', ['-lpthread'])):
        s, o = f'{HERE}/gen/{c}.c', f'{WORK}/{c}'
        if not os.path.exists(o) or os.path.getmtime(o) < os.path.getmtime(s):
            subprocess.run(['cc', '-O2', '-o', o, s, *libs], check=True)


def cmd_phys(a):
    build()
    out = open(a.out, 'a') if a.out else sys.stdout
    d = a.dir + '/phys.d'

    def put(r):
        print(json.dumps(r), flush=True)
        if a.out:
            out.write(json.dumps(r) + '\n')
            out.flush()
    for t in ('create', 'fsync', 'fdatasync', 'fsyncdir', 'tmprename', 'tmprenamed', 'append', 'append1', 'prealloc', 'osync',
              'syncfs16', 'syncfs64', 'syncfs256', 'fsyncbatch16', 'fsyncbatch64'):
        for w in (1, 20):
            shutil.rmtree(d, ignore_errors=True)
            os.sync()
            m0 = machine()
            r = json.loads(gen([WORK + '/phys', t, d, a.secs, w]).communicate()[0])
            m1 = machine()
            r['flushes'] = m1['flushes'] - m0['flushes']
            r['disk_writes'] = m1['writes'] - m0['writes']
            r['disk_write_kb'] = (m1['wsect'] - m0['wsect']) // 2
            put(r)
    shutil.rmtree(d, ignore_errors=True)
    if a.files_only:
        return
    for t in ('tcprr', 'unixrr', 'mem'):
        put(json.loads(gen([WORK + '/phys', t, '/', a.secs, 1]).communicate()[0]))
    o = subprocess.run(['openssl', 'speed', '-seconds', '2', 'rsa2048', 'ecdsap256', 'ecdhx25519'], capture_output=True, text=True, preexec_fn=GEN.join).stdout
    put({'test': 'openssl speed', 'lines': [l for l in o.splitlines() if re.search(r'^rsa 2048|^ *256 bits ecdsa|^ *253 bits ecdh|nistp256|X25519', l)]})
    o = subprocess.run(['openssl', 'speed', '-seconds', '2', '-bytes', '16384', '-evp', 'aes-128-gcm'], capture_output=True, text=True, preexec_fn=GEN.join).stdout
    put({'test': 'aes-128-gcm 16k', 'lines': o.splitlines()[-1:]})
    for kind, key in (('rsa', ['rsa:2048']), ('ec', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'])):
        c = f'{WORK}/{kind}'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', *key, '-nodes', '-keyout', c + '.key', '-out', c + '.pem', '-days', '9', '-subj', '/CN=x'],
                       check=True, stderr=subprocess.DEVNULL)
        s = subprocess.Popen(['openssl', 's_server', '-accept', '127.0.0.1:12999', '-cert', c + '.pem', '-key', c + '.key', '-quiet', '-no_ticket'],
                             stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=SRV.join)
        time.sleep(1)
        for ver in ('-tls1_2', '-tls1_3'):
            c0 = SRV.cpu()
            t0 = time.monotonic()
            o = subprocess.run(['openssl', 's_time', '-connect', '127.0.0.1:12999', '-new', '-time', '4', ver], capture_output=True, text=True, preexec_fn=GEN.join)
            el = time.monotonic() - t0
            m = re.search(r'(\d+) connections in (\d+) real seconds', o.stdout)
            n = int(m[1]) if m else 0
            put({'test': f'TLS full handshake {kind} {ver}', 'per_s': round(n / el, 1), 'server_cpu_ms': round(1e3 * (sum(SRV.cpu()) - sum(c0)) / max(1, n), 3)})
        s.kill()
        s.wait()


def cmd_table(a):
    rows = {}
    for f in a.files:
        for l in open(f):
            r = json.loads(l)
            rows.setdefault((r['workload'], r.get('sub', ''), r['unit']), {}).setdefault(r['peer'], []).append(r)
    peers = sorted({p for v in rows.values() for p in v})
    if a.peers:
        peers = a.peers.split(',')
    print('| workload | ' + ' | '.join(peers) + ' |\n|---|' + '---|' * len(peers))
    for (w, sub, unit), v in rows.items():
        cells = []
        for p in peers:
            rs = v.get(p)
            if not rs:
                cells.append('')
                continue
            med = lambda k: statistics.median(r.get(k, 0) for r in rs)
            c = f"{med('value'):.4g} {unit}"
            if 'cpu_ms_per_op' in rs[0]:
                c += f", {med('cpu_ms_per_op'):.3g} ms"
            else:
                c += f", {med('cpu_user') + med('cpu_sys'):.3g} cpu-s"
            c += f", {med('peak_pss_kb') / 1024:.0f} MiB"
            e = sum(r.get('errors', 0) for r in rs)
            cells.append(c + f" (n={len(rs)}" + (f', ERR {e}' if e else '') + ')')
        print(f"| {w} {sub} | " + ' | '.join(cells) + ' |')


def main():
    ap = argparse.ArgumentParser()
    sp = ap.add_subparsers(dest='cmd', required=True)
    r = sp.add_parser('run')
    r.add_argument('--peers', required=True)
    r.add_argument('--only', default='')
    r.add_argument('--runs', type=int, default=3)
    r.add_argument('--alternate', action='store_true', help='peers take turns, so that what else the machine does strikes all')
    r.add_argument('--scale', type=float, default=1.0)
    r.add_argument('--out', default='')
    p = sp.add_parser('phys')
    p.add_argument('--out', default='')
    p.add_argument('--secs', type=float, default=3)
    p.add_argument('--dir', default=WORK, help='file system to test')
    p.add_argument('--files-only', action='store_true')
    t = sp.add_parser('table')
    t.add_argument('files', nargs='+')
    t.add_argument('--peers', default='')
    sp.add_parser('list')
    a = ap.parse_args()
    if a.cmd == 'run':
        cmd_run(a)
    elif a.cmd == 'phys':
        cmd_phys(a)
    elif a.cmd == 'table':
        cmd_table(a)
    else:
        for k, (role, d, f) in W.items():
            print(f'{k:12} {role:15} {d}')


if __name__ == '__main__':
    main()
