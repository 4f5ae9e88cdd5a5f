# bench - load generators, drivers, bench/run (README.md); not built by make
EXTRA_DIST += bench/dns.py bench/README.md bench/bench.py bench/run bench/trace.py \
	bench/million bench/peers.json bench/gen bench/drivers bench/RESULTS.md

# What a recipient that waits costs: `make bench/queue && bench/queue'.
EXTRA_PROGRAMS += bench/queue
bench_queue_SOURCES = bench/queue.c qmgr/lane.c qmgr/queue.c qmgr/schedule.c
bench_queue_LDADD = lib/libbase.a
CLEANFILES += $(EXTRA_PROGRAMS)
