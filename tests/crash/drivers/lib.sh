# SPDX-License-Identifier: ISC
# Common parts of the drivers.  A driver is called as  DRIVER VERB MNT STATE PROFILE :
#   prepare  lay out empty folders on MNT (before recording starts; MNT is mounted, nothing runs)
#   start    write the configuration to STATE, start the server on MNT, return 0 when it accepts connections
#   recover  the same after a power cut: start, and let go what is queued
#   pending  print the number of accepted messages not yet at their goal; 0 = drained
#   kick     try again what was put off (called every 3 s until drained)
#   info     print JSON: smtp (port), proto (smtp|lmtp), imap, pop3 (ports, or absent), users, reader
#            (imap | pop3 | sink | a folder with a Maildir a user), boot_delay (seconds between the cut and
#            the first recovery, for servers that honour old lock files); far: the domain elsewhere, which the
#            judge's sink at 127.0.0.1:2600 serves; ends: true when there is the verb
#   ends     print a line "ID SECONDS" for each message that is over for good, and since when: ID the last word
#            of the answer it was accepted with
# Everything runs in namespaces of its own: any loopback port is free, STATE and /tmp/crashbox
# vanish afterwards, and the judge kills all processes at once, so there is no stop verb.
set -eu
verb=$1 MNT=$2 STATE=$3 PROFILE=${4:-}
VUID=5000
USERS="u0 u1 u2 u3 u4 u5 u6 u7 u8 u9"

waitport() { # PORT
	i=0
	while ! (exec 3<>/dev/tcp/127.0.0.1/"$1") 2>/dev/null; do
		i=$((i + 1))
		[ $i -gt 600 ] && { echo "port $1 does not open"; return 1; }
		sleep 0.02
	done
}

info() { # KEY VALUE-AS-JSON ...
	printf '{"users": ["%s"]' "$(echo $USERS | sed 's/ /", "/g')"
	while [ $# -gt 1 ]; do
		printf ', "%s": %s' "$1" "$2"
		shift 2
	done
	echo '}'
}

postfix_conf() { # main.cf lines on stdin
	mkdir -p "$STATE/etc" "$STATE/data" "$STATE/log"
	chmod 755 "$STATE" "$STATE/etc" "$STATE/log"
	chown postfix "$STATE/data"
	{
		cat <<M
compatibility_level = 3.7
queue_directory = $MNT/spool
data_directory = $STATE/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $STATE/log/mail.log
maillog_file_prefixes = $STATE/log
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = mx.example.test
mydestination =
alias_maps =
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
in_flow_delay = 0
message_size_limit = 104857600
virtual_mailbox_limit = 0
virtual_uid_maps = static:$VUID
virtual_gid_maps = static:$VUID
virtual_minimum_uid = 100
M
		cat
	} > "$STATE/etc/main.cf"
	cat > "$STATE/etc/master.cf" <<M
127.0.0.1:2525 inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
M
	for u in $USERS pop0 imap0; do echo "$u@example.test $u/"; done > "$STATE/etc/users"
}

postfix_start() {
	rm -f "$MNT/spool/pid/"*.pid
	if [ -n "${PRELOAD:-}" ]; then
		echo "import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_PRELOAD=$PRELOAD" >> "$STATE/etc/main.cf"
		LD_PRELOAD=$PRELOAD postfix -c "$STATE/etc" start
	else
		postfix -c "$STATE/etc" start
	fi
	waitport 2525
}

# Queue files are complete (mode 0700) when cleanup has accepted them.
postfix_pending() {
	(cd "$MNT/spool" && find incoming active deferred maildrop -type f -perm -0100 2>/dev/null | wc -l)
}
