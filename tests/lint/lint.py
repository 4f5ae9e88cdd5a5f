#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The rules of the house that a program can check.

    lint.py [SOURCE [BUILD]]

Each rule is a function that yields complaints; the table at the end is the
list of rules.  Sizes are printed, not judged: whoever makes them worse says
why in the commit.
"""
import glob
import os
import re
import subprocess
import sys

TOP = os.path.abspath(sys.argv[1] if len(sys.argv) > 1
                      else os.environ.get("srcdir", "."))
BUILD = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else ".")
ROOMS = "master auth smtpd qmgr delivery pop3d imapd store tools".split()
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def sources(*ends):
    for room in ["lib/*"] + ROOMS:
        for end in ends:
            yield from sorted(glob.glob(os.path.join(TOP, room, "*" + end)))


def name_of(path):
    return os.path.relpath(path, TOP)


def text_of(path):
    return open(path, encoding="utf-8", errors="replace").read()


def rows(name):
    for line in open(os.path.join(TOP, "tests/lint", name)):
        line = line.split("#")[0].strip()
        if line:
            yield line


def floors():
    """An include stays on its floor or goes down."""
    may = {}
    for line in rows("floors.txt"):
        folder, low = line.split(":")
        may[folder] = set(low.split())
    for path in sources(".c", ".h"):
        folder = os.path.dirname(name_of(path))
        if folder not in may:
            yield "%s: its folder is not in floors.txt" % name_of(path)
            continue
        for inc in INCLUDE.findall(text_of(path)):
            low = inc.split("/")[0]
            if "/" not in inc or ".." in inc:
                yield '%s: "%s" does not name its floor' % (name_of(path), inc)
            elif low not in may[folder] | {os.path.basename(folder)}:
                yield '%s: may not include "%s"' % (name_of(path), inc)


def links():
    """Foreign libraries are called where links.txt says."""
    confined = [line.split() for line in rows("links.txt")]
    for path in sources(".c"):
        src = name_of(path)
        for obj in glob.glob(os.path.join(BUILD, src[:-2] + ".o")):
            out = subprocess.run(["nm", "-u", obj], capture_output=True,
                                 text=True).stdout
            for sym in re.findall(r"U (\w+)", out):
                for prefix, *where in confined:
                    hit = sym.startswith(prefix) if prefix.endswith("_") \
                        else sym == prefix
                    if hit and src not in where:
                        yield "%s: may not call %s" % (src, sym)


def banned():
    """base/banned.h stands last, an own header first."""
    for path in sources(".c"):
        incs = INCLUDE.findall(text_of(path))
        if not incs or incs[-1] != "base/banned.h":
            yield "%s: base/banned.h is not the last include" % name_of(path)
        own = name_of(path)[:-1].replace("lib/", "", 1) + "h"
        if own in incs and incs[0] != own:
            yield "%s: its own header is not the first" % name_of(path)


def head():
    """Licence first; a .c then says what it is."""
    for path in sources(".c", ".h"):
        text = text_of(path)
        if not text.startswith("/* SPDX-License-Identifier: ISC */\n"):
            yield "%s: no SPDX line" % name_of(path)
        elif "\n/*\n * " not in text[:400]:
            yield "%s: no comment at its top" % name_of(path)


def layout():
    """No blanks at line ends; no line past 100 columns."""
    for path in sources(".c", ".h"):
        if path.endswith("catalogue.h") or path.endswith("params.h"):
            continue
        for n, line in enumerate(text_of(path).split("\n"), 1):
            if line != line.rstrip():
                yield "%s:%d: blank at the end" % (name_of(path), n)
            if len(line.expandtabs(8)) > 100:
                yield "%s:%d: too long" % (name_of(path), n)


def unit_tests():
    """A unit test for each source of lib/."""
    excused = set(line.split()[0] for line in rows("untested.txt"))
    for path in sorted(glob.glob(os.path.join(TOP, "lib/*/*.c"))):
        src = name_of(path)
        _, folder, file = src.split("/")
        test = "tests/unit/%s/test_%s" % (folder, file)
        if os.path.exists(os.path.join(TOP, test)) == (src in excused):
            yield ("%s: has a test, untested.txt says it has none"
                   if src in excused else "%s: no unit test") % src


def words():
    """One word for one thing: doc/glossary.md names those we do not use."""
    path = os.path.join(TOP, "doc/glossary.md")
    text = text_of(path) if os.path.exists(path) else ""
    m = re.search(r"^## Not used$(.*?)(^## |\Z)", text, re.M | re.S)
    for word in re.findall(r"^- `([^`]+)`", m.group(1) if m else "", re.M):
        for src in sources(".c", ".h"):
            if re.search(r"\b%s\b" % re.escape(word), text_of(src)):
                yield "%s: says `%s' (doc/glossary.md)" % (name_of(src), word)


def programs():
    """A man page for each program that is installed, and --help."""
    made = {}
    for mk in glob.glob(os.path.join(TOP, "*/local.mk")):
        for kind, names in re.findall(r"^(bin|sbin|pkglibexec)_PROGRAMS \+= *"
                                      r"((?:[^\n\\]|\\\n)*)", text_of(mk), re.M):
            for p in names.replace("\\", " ").split():
                made[p] = kind
    for p, kind in sorted(made.items()):
        base = os.path.basename(p)
        page = base if base.startswith("veredus") or kind == "bin" \
            or base == "sendmail" else "veredus-" + base
        if not glob.glob(os.path.join(TOP, "man", page + ".[158]")):
            yield "%s: no man/%s.8" % (p, page)
        exe = os.path.join(BUILD, p)
        if kind != "pkglibexec" and os.path.exists(exe):
            r = subprocess.run([exe, "--help"], capture_output=True, text=True,
                               stdin=subprocess.DEVNULL)
            if r.returncode or "usage" not in r.stdout.lower():
                yield "%s --help: exit %d" % (p, r.returncode)


def pmccabe():
    """(complexity, lines, place) of every function."""
    files = list(sources(".c"))
    try:
        out = subprocess.run(["pmccabe"] + files, capture_output=True,
                             text=True).stdout
    except OSError:
        return []
    found = []
    for line in out.splitlines():
        f = line.split("\t")
        if len(f) >= 6:
            found.append((int(f[0]), int(f[4]), f[5].replace(TOP + "/", "")))
    return found


def print_sizes():
    found = pmccabe()
    for title, key in (("longest functions (lines)", 1),
                       ("most complex functions (McCabe)", 0)):
        print("\n" + title)
        for row in sorted(found, key=lambda r: -r[key])[:10]:
            print("  %4d  %s" % (row[key], row[2]))
    print()


RULES = [floors, links, banned, head, layout, unit_tests, words, programs]


def main():
    failed = False
    for rule in RULES:
        bad = list(rule())
        for line in bad:
            print("    " + line)
        print("%s - lint %s: %s" % ("not ok" if bad else "ok", rule.__name__,
                                    rule.__doc__))
        failed |= bool(bad)
    print_sizes()
    return 1 if failed else 0


sys.exit(main())
