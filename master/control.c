/* SPDX-License-Identifier: ISC */
/*
 * master/control.c - what ctld may ask of master: status, reload, stop.
 *
 * Fixed notes without text: an operator's words never reach root.
 */
#include "master/master.h"

#include <stdio.h>
#include <unistd.h>

#include "base/banned.h"

static void
row_of_master(struct chan *c, uint32_t ticket)
{
	struct note_proc_row n = { .name = STR("master"), .pid =
	    (uint32_t)getpid(), .state = STR("ready"), .root = STR("/"),
	    .user = master.is_unprivileged ? STR("") : STR("root"),
	    .text = str_of(procs[MASTER].text) };

	if (master.stage != 0)
		n.state = STR("draining");
	if (master.is_unprivileged)
		n.text = STR("unprivileged: no chroot, no users of their own");
	note_answer_proc_row(c, ticket, &n);
}

static void
row_of_child(struct chan *c, uint32_t ticket, const struct child *child)
{
	const struct proc_row *row = &procs[child->kind];
	struct note_proc_row n = { .name = str_of(row->name),
	    .index = child->index, .pid = (uint32_t)child->pid,
	    .state = str_of(child_state_name(child)),
	    .restarts = child->restarts, .since_ms = child->since_ms,
	    .root = str_of(row->root[0] != '\0' ? row->root : "empty"),
	    .text = str_of(child->last[0] != '\0' ? child->last : row->text) };
	char user[33];

	(void)snprintf(user, sizeof(user), "%u", master.uid[child->kind]);
	n.user = master.config->conf.master.uid_base == 0 &&
	    !master.is_unprivileged ? str_of(row->user) : str_of(user);
	note_answer_proc_row(c, ticket, &n);
}

static void
answer_status(struct chan *c, uint32_t ticket)
{
	struct note_ctl_done done = { .failed = 0 };

	row_of_master(c, ticket);
	done.count = 1;
	each_child(child)
		if (child_exists(child)) {
			row_of_child(c, ticket, child);
			done.count++;
		}
	note_answer_ctl_done(c, ticket, &done);
}

static void
answer_reload(struct chan *c, uint32_t ticket)
{
	struct note_ctl_done done = { .failed = 0 };
	struct buf text;
	int r;

	buf_init(&text, 16384);
	r = reload(&text);
	done.failed = (uint32_t)-r;
	done.text = buf_str(&text);
	note_answer_ctl_done(c, ticket, &done);
	buf_free(&text);
}

static void
answer_stop(struct chan *c, uint32_t ticket)
{
	struct note_ctl_done done = { .text = STR("stopping") };

	note_answer_ctl_done(c, ticket, &done);
	watch_stop();
}

bool
control_note(struct chan *c, const struct note *n)
{
	switch (n->kind) {
	case NOTE_CTL_STATUS:
		answer_status(c, n->ticket);
		return true;
	case NOTE_CTL_RELOAD:
		answer_reload(c, n->ticket);
		return true;
	case NOTE_CTL_STOP:
		answer_stop(c, n->ticket);
		return true;
	default:
		return false;
	}
}
