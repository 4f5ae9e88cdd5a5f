/* SPDX-License-Identifier: ISC */
/*
 * delivery/address.h - addresses of hosts, as text and for a socket.
 */
#ifndef DELIVERY_ADDRESS_H
#define DELIVERY_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/str.h"

#define ADDRESS_TEXT	64	/* "[2001:db8::1]:25" */

struct address {
	sa_family_t	family;		/* AF_UNSPEC: none */
	uint8_t		ip[16];		/* 4 of them for AF_INET */
};

void	address_text(const struct address *a, uint16_t port,
	    char out[ADDRESS_TEXT]);
/* "192.0.2.1" or "2001:db8::1"; false: neither. */
bool	address_parse(struct str text, struct address *out);
size_t	address_octets(const struct address *a);
bool	address_is_same(const struct address *a, const struct address *b);
/* Nobody's: any, broadcast, groups, IPv4 in IPv6's clothes. */
bool	address_is_usable(const struct address *a);

socklen_t address_to_socket(const struct address *a, uint16_t port,
	    struct sockaddr_storage *out);
void	address_of_socket(const struct sockaddr_storage *s,
	    struct address *out);

#endif
