/* SPDX-License-Identifier: ISC */
/*
 * store/standin.c - a folder that stands in for that of the indices.
 *
 * `rm -r state/index` while we run takes away what the cage lets us into: a
 * folder that is made there later is another, and forbidden.  So indices are
 * made below the state folder until this worker's next start: then master has
 * made state/index again, the stand-in is removed, and each mailbox is made
 * anew once more, when it is opened.
 */
#include "store/stored.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/log.h"

#include "base/banned.h"

#define NAME_BUF	32
#define LEVELS		3	/* domain, account, files */

/* No account's folder begins with a dot. */
static void
standin_name(char out[NAME_BUF])
{
	snprintf(out, NAME_BUF, ".index.%u", daemon_index());
}

/* account_ops.index_gone */
int
standin_make(struct account_place *p)
{
	static int standin = -1;	/* the one before, if that went too */
	struct volume *v = p->v;
	char name[NAME_BUF];
	int fd;

	standin_name(name);
	if (volume_mkdirs(v, p->state, name, 0700) != 0)
		return FAIL_TEMP;
	fd = v->open(v, p->state, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return FAIL_TEMP;
	log_say(LOG_LEVEL_ERROR, "index-folder-gone",
	    "indices are made below state until the next start");
	if (standin >= 0)
		v->close(v, standin);
	p->index = standin = fd;
	return 0;
}

void
standin_forget(struct account_place *p)
{
	char name[NAME_BUF];

	standin_name(name);
	if (volume_remove(p->v, p->state, name, LEVELS) != 0)
		log_say(LOG_LEVEL_WARN, "folder-not-removed", "%s", name);
}
