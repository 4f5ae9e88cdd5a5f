/* SPDX-License-Identifier: ISC */
/*
 * delivery/signd.c - DKIM signatures of what our domains send.
 *
 * In: SIGN_ASK from smtpd with a grant, or from bounce, and the content on a
 * descriptor.  Out: SIGN_DONE with the DKIM-Signature lines, none when there
 * is no key or the domain in From is not the sender's to use.  Keys come from
 * master as descriptors; signd opens nothing.
 *
 * One message after the other, blocking: it waits for nothing but the disk.
 */
#include "daemon/daemon.h"
#include "delivery/signer.h"

#include "base/banned.h"

static bool
start(void)
{
	signer_swap_keys();
	return true;
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.kind = SIGND, .before_cage = signer_warm, .start = start,
		.on_note = signer_note, .on_reload = signer_swap_keys,
		.on_stat = signer_stat,
	};

	daemon_main(&ops, argc, argv);
}
