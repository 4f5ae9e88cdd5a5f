#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Count system calls per operation, by program, with strace -c.

  trace.py SPEC PORTKEY OPS OUT.json -- MAILLOAD_ARGS...
The load is run once untraced (so that the server's processes exist), then traced.
MAILLOAD_ARGS has no -p and no -n.  One strace per program name, following forks.
"""
import collections, json, os, re, signal, subprocess, sys, time
import bench

KEY = ['fsync', 'fdatasync', 'sync_file_range', 'syncfs', 'rename', 'renameat', 'renameat2', 'link', 'linkat', 'unlink', 'unlinkat', 'openat',
       'open', 'mkdir', 'chmod', 'fchmod', 'fork', 'vfork', 'clone', 'clone3', 'execve', 'accept', 'accept4', 'connect', 'flock', 'fcntl', 'mmap',
       'munmap', 'read', 'write', 'pread64', 'pwrite64', 'writev', 'readv', 'sendto', 'recvfrom', 'sendmsg', 'recvmsg', 'poll', 'epoll_wait',
       'epoll_ctl', 'select', 'close', 'stat', 'newfstatat', 'fstat', 'lstat', 'utimensat', 'utime', 'fchown', 'getdents64', 'alarm', 'rt_sigaction', 'ioctl', 'lseek']


def main():
    spec, portkey, ops, out = sys.argv[1:5]
    args = sys.argv[6:]
    bench.build()
    users = 20
    bench.reset_mail()
    for u in range(users):
        for sub in ('tmp', 'new', 'cur'):
            os.makedirs(f'{bench.MAIL}/u{u}/Maildir/{sub}')
    subprocess.run(['chown', '-R', f'{bench.VUID}:{bench.VUID}', bench.MAIL], check=True)
    with bench.Stack(spec) as s:
        mode, rest = args[0], args[1:]
        sink = None
        if 'relay' in spec:
            sink = bench.gen([bench.WORK + '/mailload', 'sink', '-p', 12600, '-n', 10 ** 9, '-T', 120])
        bench.load(mode, '-p', s.p(portkey), '-n', ops, *rest)
        time.sleep(1.5)
        groups = collections.defaultdict(list)
        for p in bench.SRV.pids():
            try:
                name = bench.rd(f'/proc/{p}/comm').strip()
            except OSError:
                continue
            groups[name].append(p)
        tr = {}
        for name, pids in groups.items():
            f = f'{bench.WORK}/trace.{name}'
            a = ['strace', '-f', '-c', '-o', f]
            for p in pids:
                a += ['-p', str(p)]
            tr[name] = (f, subprocess.Popen(a, stderr=subprocess.DEVNULL), len(pids))
        time.sleep(1.5)
        g = bench.load(mode, '-p', s.p(portkey), '-n', ops, '-T', 200, *rest)
        time.sleep(2)
        for f, p, n in tr.values():
            p.send_signal(signal.SIGINT)
        for f, p, n in tr.values():
            p.wait()
        if sink:
            sink.kill()
    n = max(1, g['ops'])
    res = {'spec': spec, 'ops': g['ops'], 'errors': g['errors'], 'load': args, 'programs': {}}
    tot = collections.Counter()
    for name, (f, p, k) in tr.items():
        c = {}
        for l in bench.rd(f).splitlines():
            m = re.match(r'\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:(\d+)\s+)?(\w+)$', l)
            if m and m[3] != 'total':
                c[m[3]] = int(m[1])
        tot.update(c)
        if c:
            res['programs'][f'{name} (x{k})'] = {'calls_per_op': round(sum(c.values()) / n, 2),
                                                 'top': {k2: round(v / n, 2) for k2, v in sorted(c.items(), key=lambda x: -x[1])[:12]}}
    res['total_per_op'] = round(sum(tot.values()) / n, 2)
    res['key'] = {k: round(tot[k] / n, 2) for k in KEY if tot[k] / n >= 0.01}
    res['other'] = {k: round(v / n, 2) for k, v in tot.items() if k not in KEY and v / n >= 0.05}
    with open(out, 'a') as o:
        o.write(json.dumps(res) + '\n')
    print(json.dumps(res, indent=1))


main()
