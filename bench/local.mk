# bench - load generators, drivers, bench/run (README.md); not built by make
EXTRA_DIST += bench/dns.py bench/README.md bench/bench.py bench/run bench/trace.py \
	bench/peers.json bench/gen bench/drivers bench/RESULTS.md
