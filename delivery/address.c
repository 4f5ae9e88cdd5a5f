/* SPDX-License-Identifier: ISC */
/*
 * delivery/address.c - IPv4 and IPv6 addresses of hosts.
 */
#include "delivery/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

void
address_text(const struct address *a, uint16_t port, char out[ADDRESS_TEXT])
{
	char ip[INET6_ADDRSTRLEN] = "?";

	(void)inet_ntop(a->family, a->ip, ip, sizeof(ip));
	(void)snprintf(out, ADDRESS_TEXT, a->family == AF_INET6 ? "[%s]:%u" :
	    "%s:%u", ip, port);
}

bool
address_parse(struct str text, struct address *out)
{
	char z[INET6_ADDRSTRLEN + 1];

	if (text.n >= sizeof(z) || str_has_nul(text))
		return false;
	(void)snprintf(z, sizeof(z), "%.*s", STR_ARG(text));
	if (inet_pton(AF_INET, z, out->ip) == 1)
		out->family = AF_INET;
	else if (inet_pton(AF_INET6, z, out->ip) == 1)
		out->family = AF_INET6;
	else
		return false;
	return true;
}

socklen_t
address_to_socket(const struct address *a, uint16_t port,
    struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (a->family == AF_INET) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, a->ip, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, a->ip, 16);
	return sizeof(*in6);
}

void
address_of_socket(const struct sockaddr_storage *s, struct address *out)
{
	out->family = s->ss_family;
	if (s->ss_family == AF_INET)
		memcpy(out->ip, &((const struct sockaddr_in *)s)->sin_addr, 4);
	else if (s->ss_family == AF_INET6)
		memcpy(out->ip, &((const struct sockaddr_in6 *)s)->sin6_addr,
		    16);
}

size_t
address_octets(const struct address *a)
{
	return a->family == AF_INET ? 4 : 16;
}

bool
address_is_usable(const struct address *a)
{
	static const uint8_t none[16];
	static const uint8_t mapped[12] = { [10] = 255, [11] = 255 };

	if (memcmp(a->ip, none, address_octets(a)) == 0)
		return false;
	if (a->family == AF_INET)
		return a->ip[0] != 0 && a->ip[0] < 224;
	return a->ip[0] != 255 && memcmp(a->ip, mapped, 12) != 0;
}

bool
address_is_same(const struct address *a, const struct address *b)
{
	return a->family == b->family &&
	    memcmp(a->ip, b->ip, address_octets(a)) == 0;
}
