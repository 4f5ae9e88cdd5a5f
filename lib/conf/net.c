/* SPDX-License-Identifier: ISC */
/*
 * conf/net.c - addresses and networks.
 */
#include "conf/net.h"

#include <arpa/inet.h>
#include <string.h>

#include "conf/conf.h"
#include "base/banned.h"

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* Text of an address to bytes; *is_v4_out says how it was written. */
static bool
parse(struct str s, uint8_t addr[16], bool *is_v4_out)
{
	char text[INET6_ADDRSTRLEN];

	if (s.n == 0 || s.n >= sizeof(text) || str_has_nul(s))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	*is_v4_out = str_chr(s, ':') == s.n;
	if (!*is_v4_out)
		return inet_pton(AF_INET6, text, addr) == 1;
	memcpy(addr, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, addr + sizeof(mapped)) == 1;
}

static void
cut(uint8_t addr[16], unsigned bits)
{
	unsigned i;

	for (i = 0; i < 16; i++) {
		if (bits >= (i + 1) * 8)
			continue;
		if (bits <= i * 8)
			addr[i] = 0;
		else
			addr[i] &= (uint8_t)(0xff00 >> (bits - i * 8));
	}
}

bool
net_addr(struct str s, uint8_t addr_out[16])
{
	uint8_t addr[16];
	bool is_v4;

	if (!parse(s, addr, &is_v4))
		return false;
	memcpy(addr_out, addr, sizeof(addr));
	return true;
}

bool
net_parse(struct str s, struct net *net_out)
{
	struct str addr = s, length = { NULL, 0 };
	size_t slash = str_chr(s, '/');
	struct net net;
	uint64_t bits;
	bool is_v4;

	if (slash < s.n) {
		addr = str_sub(s, 0, slash);
		length = str_from(s, slash + 1);
	}
	if (!parse(addr, net.addr, &is_v4))
		return false;
	bits = is_v4 ? 32 : 128;
	if (slash < s.n && !str_u64(length, bits, &bits))
		return false;
	net.bits = (unsigned)bits + (is_v4 ? 96 : 0);
	cut(net.addr, net.bits);
	*net_out = net;
	return true;
}

bool
net_is_ipv4(const uint8_t addr[16])
{
	return memcmp(addr, mapped, sizeof(mapped)) == 0;
}

bool
net_has(const struct net *net, const uint8_t addr[16])
{
	uint8_t front[16];

	memcpy(front, addr, sizeof(front));
	cut(front, net->bits);
	return memcmp(front, net->addr, sizeof(front)) == 0;
}

bool
net_listed(const struct strs *nets, struct str peer)
{
	uint8_t addr[16];
	struct net net;
	size_t i;

	if (!net_addr(peer, addr))
		return false;
	for (i = 0; i < nets->n; i++)
		if (net_parse(nets->v[i], &net) && net_has(&net, addr))
			return true;
	return false;
}

void
net_around(const uint8_t addr[16], struct net *net_out)
{
	memcpy(net_out->addr, addr, 16);
	net_out->bits = net_is_ipv4(addr) ? 96 + 24 : 64;
	cut(net_out->addr, net_out->bits);
}

bool
net_reverse(struct str address, struct buf *out)
{
	uint8_t a[16];

	if (!net_addr(address, a))
		return false;
	if (net_is_ipv4(a)) {
		buf_fmt(out, "%u.%u.%u.%u.in-addr.arpa", a[15], a[14], a[13],
		    a[12]);
		return true;
	}
	for (unsigned i = 16; i-- > 0; )
		buf_fmt(out, "%x.%x.", a[i] & 15u, a[i] >> 4u);
	buf_z(out, "ip6.arpa");
	return true;
}
