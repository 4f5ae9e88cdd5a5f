# SPDX-License-Identifier: ISC
# Common parts of the driver scripts.  A driver is called as
#   DRIVER start RUNDIR PROFILE | stop RUNDIR | wipe RUNDIR | forget RUNDIR USER | version
# start returns when the server accepts connections, and leaves RUNDIR/ports:
# KEY=VALUE lines (SMTP SUBMISSION SUBMISSIONS IMAP IMAPS POP3 POP3S LMTP: TCP
# ports; MAILDIR: path with %d for the user number).  All processes it starts
# stay in the cgroup of the caller, which is how they are accounted.
set -eu
VUID=${BENCH_VUID:-5000}
MAILROOT=${BENCH_MAILROOT:-/tmp/bench/mail}

# BENCH_PRELOAD (slowsync.so) is passed to the server's processes: drivers of servers
# that clean their environment do it in the configuration.
certs() { # RUNDIR: makes rsa.{pem,key} and ec.{pem,key}
	[ -s "$1/ec.key" ] && return 0
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1/rsa.key" -out "$1/rsa.pem" -days 30 -subj /CN=mx.example.test 2>/dev/null
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1/ec.key" -out "$1/ec.pem" -days 30 -subj /CN=mx.example.test 2>/dev/null
}

waitport() { # PORT: up to 15 s
	i=0
	while ! (exec 3<>/dev/tcp/127.0.0.1/"$1") 2>/dev/null; do
		i=$((i + 1))
		[ $i -gt 300 ] && { echo "port $1 does not open" >&2; return 1; }
		sleep 0.05
	done
}

waitgone() { # PID
	i=0
	while kill -0 "$1" 2>/dev/null; do
		i=$((i + 1))
		[ $i -gt 200 ] && { kill -KILL "$1"; return 0; }
		sleep 0.05
	done
}
