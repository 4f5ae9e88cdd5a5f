# tests/lint - part of `make check`
dist_check_SCRIPTS += tests/lint/lint.py
EXTRA_DIST += tests/lint/floors.txt tests/lint/links.txt tests/lint/untested.txt
