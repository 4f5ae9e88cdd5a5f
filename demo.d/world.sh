# SPDX-License-Identifier: ISC
# demo.d/world.sh - the world around the demo: a private nsd with the records
# of two domains, a private unbound, the second domain's own suite, and a
# receiver that is slow.  Sourced by ./demo.
#
#	127.0.0.2	mail.example.org	joe, ann: the first suite
#	127.0.0.3	mail.example.net	eve: the second suite
#	127.0.0.4	slow.example		says that we are too fast
here=127.0.0.2 there=127.0.0.3 slow=127.0.0.4
nsd_port=$((2053 + add)) dns_port=$((2054 + add))
site2=$place/site2
conf2=$site2/veredus.conf
dns=$place/dns

veredus2() { "$inst/sbin/veredus" -c "$conf2" "$@"; }

# settings OWN-ADDRESS - what both suites say of the world
world_settings() {
	cat <<-EOF
		resolver { address 127.0.0.1:$dns_port; ttl-min 0s }
		check { skip "" }	# here strangers come from loopback too
		remote { port $smtp; source-ipv4 $1 }
	EOF
}

make_second_site() {
	title "The second domain: example.net, a suite of its own on $there"
	rm -rf "$site2"
	mkdir -p "$site2" && chmod 755 "$site2"
	certificate "$site2" mail.example.net "IP:$there"
	cat > "$conf2" <<-EOF
		version 1
		hostname mail.example.net
		domain example.net
		tls { cert cert.pem; key key.pem }
		listen smtp $there:$smtp
		listen submission $there:$submission
		listen imaps $there:$imaps
		folders { run run; state state; spool spool; mail mail; log log }
		uid-base 63100
		$(world_settings $there)
	EOF
	inset < "$conf2"
	eve=$(openssl rand -hex 6)
	printf '%s\n' "$eve" | veredus2 user add eve@example.net || give_up "user add"
	printf 'eve@example.net %s\n' "$eve" > "$site2/passwords"
	chmod 600 "$site2/passwords"
}

# zone NAME ADDRESS MORE - a domain that takes mail at ADDRESS
zone() {
	printf '$TTL 1\n@ SOA ns.%s. hostmaster.%s. %s 60 60 60 1\n' "$1" "$1" "$(date +%s)"
	printf '@ NS ns.%s.\nns A 127.0.0.1\n@ MX 10 mail.%s.\nmail A %s\n' "$1" "$1" "$2"
	printf '@ TXT "v=spf1 mx -all"\nmail TXT "v=spf1 a -all"\n'
	printf '_dmarc TXT "v=DMARC1; p=reject"\n%s\n' "$3"
}

write_zones() {
	zone example.org $here "$(veredus dkim show example.org)" > "$dns/example.org"
	zone example.net $there "$(veredus2 dkim show example.net)" > "$dns/example.net"
	zone slow.example $slow "" > "$dns/slow.example"
	cat > "$dns/127.in-addr.arpa" <<-EOF
		\$TTL 1
		@ SOA ns.example.org. hostmaster.example.org. $(date +%s) 60 60 60 1
		@ NS ns.example.org.
		2.0.0 PTR mail.example.org.
		3.0.0 PTR mail.example.net.
	EOF
}

write_dns_settings() {
	local name
	{
		printf 'server:\n  ip-address: 127.0.0.1@%s\n  username: ""\n  chroot: ""\n  database: ""\n' "$nsd_port"
		printf '  zonesdir: "%s"\n  pidfile: "%s/nsd.pid"\n  xfrdfile: ""\n  zonelistfile: "%s/zone.list"\n' "$dns" "$dns" "$dns"
		printf '  logfile: "%s/nsd.log"\n  server-count: 1\nremote-control:\n  control-enable: no\n' "$dns"
		for name in $zones; do printf 'zone:\n  name: "%s"\n  zonefile: "%s"\n' "$name" "$name"; done
	} > "$dns/nsd.conf"
	{
		printf 'server:\n  interface: 127.0.0.1@%s\n  username: ""\n  chroot: ""\n  pidfile: "%s/unbound.pid"\n' "$dns_port" "$dns"
		printf '  logfile: "%s/unbound.log"\n  use-syslog: no\n  do-daemonize: yes\n  do-not-query-localhost: no\n' "$dns"
		printf '  module-config: "iterator"\n  local-zone: "127.in-addr.arpa." nodefault\n  local-zone: "." static\n'
		for name in $zones; do printf '  local-zone: "%s." transparent\n' "$name"; done
		printf 'remote-control:\n  control-enable: no\n'
		for name in $zones; do printf 'stub-zone:\n  name: "%s"\n  stub-addr: 127.0.0.1@%s\n' "$name" "$nsd_port"; done
	} > "$dns/unbound.conf"
}

start_dns() {
	title "The DNS: a private nsd with both domains' records, a private unbound"
	zones="example.org example.net slow.example 127.in-addr.arpa"
	mkdir -p "$dns"
	show "veredus dkim new example.org"
	veredus dkim new example.org > "$work/dkim" 2>&1 || { inset < "$work/dkim"; give_up "no DKIM key"; }
	veredus2 dkim new example.net > /dev/null 2>&1 || give_up "no DKIM key for example.net"
	write_zones
	write_dns_settings
	cut -c1-110 "$dns/example.org" | inset
	nsd -c "$dns/nsd.conf" 2> "$work/nsd" || { inset < "$work/nsd"; give_up "nsd does not start"; }
	unbound -c "$dns/unbound.conf" 2> "$work/unbound" || { inset < "$work/unbound"; give_up "unbound does not start"; }
	setsid "$top/demo.d/slow" $slow "$smtp" < /dev/null > /dev/null 2>&1 &
	echo $! > "$dns/slow.pid"
	disown
	good "they answer on 127.0.0.1, ports $nsd_port and $dns_port"
}

stop_world() {
	local name pid
	[ ! -e "$conf2" ] || ! runs_in "$site2" || veredus2 stop > /dev/null 2>&1
	for name in slow unbound nsd; do
		pid=$(cat "$dns/$name.pid" 2> /dev/null) && grep -qs "$name" "/proc/$pid/cmdline" &&
		    kill "$pid" 2> /dev/null
		rm -f "$dns/$name.pid"
	done
	return 0
}

# new_zones NAME TEXT - reads the zones anew; until NAME's TXT says TEXT
new_zones() {
	kill -HUP "$(cat "$dns/nsd.pid")"
	within "the DNS does not say it" txt_says "$1" "$2"
}

txt_says() { veredus dns TXT "$1" 2>&1 | grep -q "$2"; }

# --- the story -----------------------------------------------------------------

# send WHO HOST TO TOKEN [TEXT] - one of them writes a message
send() {
	local user=joe@example.org password=$joe cert=$site/cert.pem
	[ "$1" = joe ] || user=eve@example.net password=$eve cert=$site2/cert.pem
	printf 'From: <%s>\r\nTo: <%s>\r\nSubject: demo %s\r\n\r\n%s\r\n' \
	    "$user" "$3" "$4" "${5:-Hello from $1.}" > "$work/letter"
	show "curl --ssl-reqd smtp://$2:$submission --user $user:... --mail-rcpt $3"
	curl -sS -v --max-time 30 --cacert "$cert" --ssl-reqd "smtp://$2:$submission/demo" \
	    --user "$user:$password" --mail-from "$user" --mail-rcpt "$3" \
	    --upload-file "$work/letter" > /dev/null 2> "$work/sent" ||
	    { tail -5 "$work/sent" | inset; bad "not taken"; return 1; }
	mid=$(tr -d '\r' < "$work/sent" | sed -n 's/^< 250 2.0.0 .*\b\([0-9a-z]\{26\}\)$/\1/p' | tail -1)
}

# receive WHO TOKEN - into $work/letter-got
receive() {
	local user=joe@example.org password=$joe host=localhost cert=$site/cert.pem
	[ "$1" = joe ] || user=eve@example.net password=$eve host=$there cert=$site2/cert.pem
	imap_at="$host:$imaps" imap_cert=$cert
	within "it did not come to $user" imap_search "$user" "$password" "$2" || return 1
	curl -sS --max-time 10 --cacert "$cert" "imaps://$host:$imaps/INBOX;MAILINDEX=$found" \
	    --user "$user:$password" > "$work/letter-got" 2>&1
	imap_at=localhost:$imaps imap_cert=$site/cert.pem
}

# verdicts WANTED... - in the first Authentication-Results field
verdicts() {
	local word results
	results=$(tr -d '\r' < "$work/letter-got" | sed -n '/^Authentication-Results:/,/^[^[:space:]]/p' |
	    sed -n '1p; 2,${/^[[:space:]]/!q; p}')
	printf '%s\n' "$results" | inset
	for word in "$@"; do
		case $results in
		*" $word"* | *"	$word"*) ;;
		*) bad "no $word"; return 1 ;;
		esac
	done
	good "curl fetched it with $*"
}

# judged WHO WORD ... - what the suite itself says of its domain's records
judged() {
	local who=$1 domain=example.org address=$here word
	shift
	[ $who = veredus ] || domain=example.net address=$there
	show "veredus check domain $domain $address"
	$who check domain $domain $address > "$work/domain" 2>&1
	cut -c1-110 "$work/domain" | inset
	for word; do
		grep -q "$word" "$work/domain" || { bad "no $word"; return; }
	done
	good "so it says"
}

there_and_back() {
	title "From example.org to example.net and back; what the receiver believes"
	there_token=$(openssl rand -hex 8) back_token=$(openssl rand -hex 8)
	judged veredus "^mx .*ok" "^spf .*ok" "^dkim .*ok" "^dmarc .*ok" "^ptr .*ok" "^helo .*ok"
	send joe localhost eve@example.net "$there_token" && receive eve "$there_token" &&
	    verdicts spf=pass dkim=pass dmarc=pass
	send eve $there joe@example.org "$back_token" && receive joe "$back_token" &&
	    verdicts spf=pass dkim=pass dmarc=pass
}

bounced() {
	title "To somebody who does not exist: the sender is told, in words"
	send joe localhost nobody@example.net "$(openssl rand -hex 8)" || return
	receive joe "could not be delivered" || return
	tr -d '\r' < "$work/letter-got" | sed '1,/^$/d' | sed -n 1,24p | inset
	if grep -q 'Action: failed' "$work/letter-got" && grep -q '5\.1\.1' "$work/letter-got"; then
		good "a bounce that people and programs can read"
	else
		bad "this is no bounce"
	fi
}

slowed_down() {
	title "To a receiver that says 550, and means slower"
	send joe localhost ann@slow.example "$(openssl rand -hex 8)" || return
	within "queue why does not know it" why_says "frequency limited"
	show "veredus queue why ann@slow.example"
	inset < "$work/why"
	veredus queue list --json > "$work/queue"
	if grep -q ann@slow.example "$work/queue"; then good "it waits, and is not bounced"; else bad "it is gone"; fi
}

why_says() {
	veredus queue why ann@slow.example > "$work/why" 2>&1
	grep -q "$1" "$work/why"
}

key_broken() {
	title "Somebody breaks example.net's DKIM record: the verdict turns"
	sed 's/p=[A-Za-z0-9+\/]\{8\}/p=AAAAAAAA/' "$dns/example.net" |
	    sed "s/SOA \(.*\) [0-9]* 60 60 60 1/SOA \1 $(($(date +%s) + 1)) 60 60 60 1/" > "$dns/broken"
	mv "$dns/broken" "$dns/example.net"
	new_zones "$(sed -n 's/^\([^ ]*_domainkey[^ ]*\)\. .*/\1/p' "$dns/example.net" | head -1)" p=AAAAAAAA
	local token
	token=$(openssl rand -hex 8)
	send eve $there joe@example.org "$token" && receive joe "$token" || return
	verdicts spf=pass dkim=permerror dkim=fail
	judged veredus2 "^dkim .*wrong .* is not that of our key"
}
