# SPDX-License-Identifier: ISC
"""Strict reader of IMAP FETCH answers: raises Bad on anything RFC 3501/9051 does not allow (own code, stdlib)."""
import re


class Bad(Exception):
    pass


class S(bytes):
    """a string (quoted or literal), to tell it from an atom"""


ATOM = re.compile(rb'[^\x00-\x20(){%*"\\\x7f-\xff]+')


def parse(b, i=0, depth=0):
    """one data item at b[i:], returns (value, next i)"""
    if depth > 5000:
        raise Bad('nested too deep')
    if i >= len(b):
        raise Bad('ends early')
    c = b[i:i + 1]
    if c == b'(':
        out, i, first = [], i + 1, True
        while True:
            if b[i:i + 1] == b')':
                return out, i + 1
            if not first:
                if b[i:i + 1] == b' ':
                    i += 1
                elif b[i:i + 1] != b'(':          # body structures put parts side by side
                    raise Bad('no blank between items at %r' % b[max(0, i - 20):i + 20])
            v, i = parse(b, i, depth + 1)
            out.append(v)
            first = False
    if c == b'"':
        j, out = i + 1, bytearray()
        while True:
            if j >= len(b):
                raise Bad('quoted string without end')
            ch = b[j]
            if ch == 0x22:
                return S(out), j + 1
            if ch == 0x5c:
                j += 1
                if b[j:j + 1] not in (b'"', b'\\'):
                    raise Bad('bad escape in quoted string %r' % b[j - 5:j + 5])
                ch = b[j]
            elif ch in (0, 10, 13):
                raise Bad('control byte in quoted string')
            elif ch > 127:
                raise Bad('8-bit byte in quoted string %r' % b[max(0, j - 10):j + 10])
            out.append(ch)
            j += 1
    m = re.compile(rb'(~?)\{(\d+)\}\r\n').match(b, i)
    if m:
        n = int(m.group(2))
        d = b[m.end():m.end() + n]
        if len(d) != n:
            raise Bad('literal shorter than said')
        if not m.group(1) and b'\0' in d:
            raise Bad('NUL in a literal that is not literal8')
        return S(d), m.end() + n
    m = re.compile(rb'BODY(\.PEEK)?\[[^\]]*\](<\d+>)?').match(b, i)
    if m:
        return m.group(0), m.end()
    if c == b'\\':
        m = re.compile(rb'\\(\*|[^\x00-\x20(){%*"\\\x7f-\xff]+)').match(b, i)
    else:
        m = ATOM.match(b, i)
    if not m:
        raise Bad('unreadable at %r' % b[i:i + 30])
    return m.group(0), m.end()


def fetch_items(line):
    """{'UID': ..} of the text after '* n FETCH '"""
    v, i = parse(line)
    if line[i:].strip(b'\r\n'):
        raise Bad('text after the closing parenthesis: %r' % line[i:i + 30])
    if not isinstance(v, list) or len(v) % 2:
        raise Bad('FETCH is not name/value pairs')
    return {bytes(v[k]).upper(): v[k + 1] for k in range(0, len(v), 2)}


def nstr(x, what):
    if not (isinstance(x, S) or x == b'NIL'):
        raise Bad('%s is no nstring: %r' % (what, x if not isinstance(x, list) else x[:3]))


def num(x, what):
    if isinstance(x, (S, list)) or not re.fullmatch(rb'\d+', x) or int(x) > 2 ** 63 - 1:
        raise Bad('%s is no number: %r' % (what, x))


def envelope(e):
    if not isinstance(e, list) or len(e) != 10:
        raise Bad('ENVELOPE has %s fields' % (len(e) if isinstance(e, list) else 'no'))
    for k, w in ((0, 'date'), (1, 'subject'), (8, 'in-reply-to'), (9, 'message-id')):
        nstr(e[k], w)
    for k in range(2, 8):
        if e[k] == b'NIL':
            continue
        if not isinstance(e[k], list) or not e[k]:
            raise Bad('address list %d is neither NIL nor a non-empty list' % k)
        for a in e[k]:
            if not isinstance(a, list) or len(a) != 4:
                raise Bad('address is not four strings: %r' % (a,))
            for x in a:
                nstr(x, 'address part')


def params(p):
    if p == b'NIL':
        return
    if not isinstance(p, list) or not p or len(p) % 2 or not all(isinstance(x, S) for x in p):
        raise Bad('parameters are not string pairs: %r' % (p,))


def ext(rest, first):
    if not rest:
        return
    if first == 'mp':
        params(rest[0])
    else:
        nstr(rest[0], 'md5')
    if len(rest) > 1 and rest[1] != b'NIL':
        d = rest[1]
        if not isinstance(d, list) or len(d) != 2 or not isinstance(d[0], S):
            raise Bad('disposition: %r' % (d,))
        params(d[1])
    if len(rest) > 2:
        lang = rest[2]
        if isinstance(lang, list):
            if not lang or not all(isinstance(x, S) for x in lang):
                raise Bad('language list')
        else:
            nstr(lang, 'language')
    if len(rest) > 3:
        nstr(rest[3], 'location')


def body(b, extended, st=None, depth=0):
    """check a BODY/BODYSTRUCTURE; returns (parts, depth) seen"""
    st = st if st is not None else [0, 0]
    st[0] += 1
    st[1] = max(st[1], depth)
    if not isinstance(b, list) or not b:
        raise Bad('body is not a list')
    if isinstance(b[0], list):
        k = 0
        while k < len(b) and isinstance(b[k], list):
            body(b[k], extended, st, depth + 1)
            k += 1
        if k >= len(b) or not isinstance(b[k], S):
            raise Bad('multipart without subtype')
        rest = b[k + 1:]
        if rest and not extended:
            raise Bad('extension data in BODY')
        ext(rest, 'mp')
        return st
    if len(b) < 7:
        raise Bad('single part has %d fields' % len(b))
    if not isinstance(b[0], S) or not isinstance(b[1], S):
        raise Bad('type/subtype are not strings')
    params(b[2])
    nstr(b[3], 'id')
    nstr(b[4], 'description')
    if not isinstance(b[5], S):
        raise Bad('encoding is not a string')
    num(b[6], 'octets')
    k = 7
    if bytes(b[0]).lower() == b'text':
        num(b[7] if len(b) > 7 else b'', 'lines')
        k = 8
    elif bytes(b[0]).lower() == b'message' and bytes(b[1]).lower() in (b'rfc822', b'global') and len(b) > 7 and isinstance(b[7], list):
        if len(b) < 10:
            raise Bad('message/rfc822 has %d fields' % len(b))
        envelope(b[7])
        body(b[8], extended, st, depth + 1)
        num(b[9], 'lines')
        k = 10
    rest = b[k:]
    if rest and not extended:
        raise Bad('extension data in BODY')
    ext(rest, 'sp')
    return st
