/* SPDX-License-Identifier: ISC */
/*
 * mail/dmarc.c - record, tree walk, alignment, verdict.
 *
 * States of an evaluation, one question each:
 *
 *	AUTHOR	_dmarc.AUTHOR, then up the tree (or only the listed domain)
 *	EXISTS	does the author's domain exist at all?  Only for np=
 *	ALIGN	the tree above a domain that was proved, where it matters
 *	OVER
 *
 * A walk is made for a proved domain only if it lies below the author's
 * organisational domain and is not that itself: all others are aligned, or
 * cannot be, without a question.
 *
 * RFC 9989 4.7 (record), 4.10 (walk), 4.4 (alignment), 5.
 */
#include "mail/dmarc.h"

#include <stdio.h>
#include <string.h>

#include "mail/addr.h"
#include "mail/header.h"

#include "base/banned.h"

#define WALK_LABELS	8	/* RFC 9989 4.10: longer names jump to 7 */

/* --- the record ---------------------------------------------------------- */

static struct str
trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\r' ||
	    s.p[0] == '\n'))
		s = str_from(s, 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' ||
	    s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
		s.n--;
	return s;
}

/* Which of the words is v?  n when none. */
static size_t
word_of(struct str v, const char *const *words, size_t n)
{
	size_t i = 0;

	while (i < n && !str_is(v, words[i]))
		i++;
	return i;
}

static const char *const policies[] = { "none", "quarantine", "reject" };

static void
take_policy(struct dmarc_record *r, struct str v, enum dmarc_policy *p,
    bool *has)
{
	size_t i = word_of(v, policies, NITEMS(policies));

	if (i == NITEMS(policies)) {
		r->is_unfit = true;
	} else if (!*has) {
		*p = (enum dmarc_policy)i;
		*has = true;
	}
}

static void
tag_p(struct dmarc_record *r, struct str v)
{
	take_policy(r, v, &r->p, &r->has_p);
}

static void
tag_sp(struct dmarc_record *r, struct str v)
{
	take_policy(r, v, &r->sp, &r->has_sp);
}

static void
tag_np(struct dmarc_record *r, struct str v)
{
	take_policy(r, v, &r->np, &r->has_np);
}

static void
tag_rua(struct dmarc_record *r, struct str v)
{
	while (v.n > 0) {
		struct str uri = trim(str_until(&v, ','));

		r->has_rua |= str_istarts(uri, "mailto:") &&
		    str_rchr(uri, '@') + 1 < uri.n;
	}
}

static void
tag_adkim(struct dmarc_record *r, struct str v)
{
	r->strict_dkim = str_is(v, "s");
}

static void
tag_aspf(struct dmarc_record *r, struct str v)
{
	r->strict_spf = str_is(v, "s");
}

static void
tag_t(struct dmarc_record *r, struct str v)
{
	r->is_test = str_is(v, "y");
}

static void
tag_psd(struct dmarc_record *r, struct str v)
{
	static const char *const words[] = { "u", "y", "n" };
	size_t i = word_of(v, words, NITEMS(words));

	if (i < NITEMS(words))
		r->psd = (enum dmarc_psd)i;
}

/* Those that decide something here; reports are not sent. */
static const struct {
	const char	*name;
	void		(*take)(struct dmarc_record *, struct str);
} tags[] = {
	{ "p", tag_p }, { "sp", tag_sp }, { "np", tag_np },
	{ "adkim", tag_adkim }, { "aspf", tag_aspf }, { "t", tag_t },
	{ "psd", tag_psd }, { "rua", tag_rua },
};

static void
end_policies(struct dmarc_record *r)
{
	r->is_unfit |= !r->has_p;
	if (r->is_unfit)
		r->p = r->sp = r->np = DMARC_P_NONE;
	if (!r->has_sp)
		r->sp = r->p;
	if (!r->has_np)
		r->np = r->sp;
}

int
dmarc_parse(struct str text, struct dmarc_record *out)
{
	struct dmarc_record r = { .p = DMARC_P_NONE };
	struct str part, name;
	bool is_first = true;

	if (text.n > DMARC_RECORD_MAX)
		return FAIL_SYNTAX;
	for (; text.n > 0; is_first = false) {
		part = str_until(&text, ';');
		name = trim(str_until(&part, '='));
		part = trim(part);
		if (is_first && (!str_is(name, "v") ||
		    !str_same(part, "DMARC1")))
			return FAIL_SYNTAX;
		for (size_t i = 0; i < NITEMS(tags); i++)
			if (str_is(name, tags[i].name))
				tags[i].take(&r, part);
	}
	if (is_first)
		return FAIL_SYNTAX;
	end_policies(&r);
	*out = r;
	return 0;
}

/* --- names --------------------------------------------------------------- */

static size_t
labels(struct str name)
{
	size_t n = name.n > 0;

	for (size_t i = 0; i < name.n; i++)
		n += name.p[i] == '.';
	return n;
}

static struct str
parent(struct str name)
{
	return str_from(name, str_chr(name, '.') + 1);
}

/* Is name `above` itself, or below it? */
static bool
is_below(struct str name, struct str above)
{
	if (above.n == 0 || name.n < above.n)
		return false;
	return str_ieq(str_from(name, name.n - above.n), above) &&
	    (name.n == above.n || name.p[name.n - above.n - 1] == '.');
}

/* --- the walk ------------------------------------------------------------ */

static void
walk_begin(struct dmarc_walk *w, struct str domain)
{
	*w = (struct dmarc_walk){ .start = domain, .at = domain };
}

/* RFC 9989 4.10, steps 3 and 6. */
static void
walk_on(struct dmarc_walk *w)
{
	if (labels(w->at) > WALK_LABELS)
		while (labels(w->at) >= WALK_LABELS)
			w->at = parent(w->at);
	else
		w->at = parent(w->at);
	if (w->at.n == 0)
		w->is_over = true;
}

static void
walk_found(struct dmarc_walk *w, const struct dmarc_record *r)
{
	if (w->n == DMARC_STEPS_MAX)
		return;
	w->found[w->n].name = w->at;
	w->found[w->n++].record = *r;
	if (r->psd != DMARC_PSD_UNKNOWN)
		w->is_over = true;
}

/* The part of the start that has one label more than `above`. */
static struct str
one_below(struct str start, struct str above)
{
	struct str s = start;

	while (labels(s) > labels(above) + 1)
		s = parent(s);
	return s;
}

struct str
dmarc_walk_org(const struct dmarc_walk *w)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->found[i].record.psd == DMARC_PSD_NO)
			return w->found[i].name;
		if (w->found[i].record.psd == DMARC_PSD_YES &&
		    w->found[i].name.n < w->start.n)
			return one_below(w->start, w->found[i].name);
	}
	return w->n > 0 ? w->found[w->n - 1].name : w->start;
}

/* --- the evaluation ------------------------------------------------------ */

void
dmarc_begin(struct dmarc *d, struct str author, dmarc_org_fn *org_of,
    void *arg)
{
	if (str_ends(author, "."))
		author.n--;
	*d = (struct dmarc){ .author = author, .org_of = org_of, .arg = arg };
	walk_begin(&d->walk, author);
}

static void
add(struct dmarc *d, enum dmarc_id how, struct str domain, bool is_unknown)
{
	if (str_ends(domain, "."))
		domain.n--;
	if (d->ids == DMARC_IDS_MAX || domain.n == 0 ||
	    domain.n > DMARC_NAME_MAX)
		return;
	d->id[d->ids].domain = domain;
	d->id[d->ids].is_unknown = is_unknown;
	d->id[d->ids++].how = how;
}

void
dmarc_add(struct dmarc *d, enum dmarc_id how, struct str domain)
{
	add(d, how, domain, false);
}

void
dmarc_add_unknown(struct dmarc *d, enum dmarc_id how, struct str domain)
{
	add(d, how, domain, true);
}

static void
end(struct dmarc *d, enum dmarc_result result, const char *reason)
{
	d->state = DMARC_ST_OVER;
	d->result = result;
	d->reason = reason;
}

static enum dmarc_step
ask_at(struct dmarc *d, struct str name, bool exists)
{
	(void)snprintf(d->ask, sizeof(d->ask), "%s%.*s",
	    exists ? "" : "_dmarc.", STR_ARG(name));
	d->ask_exists = exists;
	d->records = 0;
	return DMARC_ASK;
}

/* What the record says about this author; t=y asks for one step less. */
static void
decide_policy(struct dmarc *d, bool exists)
{
	const struct dmarc_record *r = &d->record;

	if (str_ieq(d->found_at, d->author))
		d->policy = r->p;
	else
		d->policy = exists ? r->sp : r->np;
	d->is_test = r->is_test;
	if (r->is_test && d->policy != DMARC_P_NONE)
		d->policy--;
	d->id_at = 0;
	walk_begin(&d->walk, d->ids > 0 ? d->id[0].domain : STR(""));
	d->state = DMARC_ST_ALIGN;
}

/* np= differs from sp= and might apply: ask whether the domain exists. */
static void
have_record(struct dmarc *d, struct str at, const struct dmarc_record *r)
{
	d->record = *r;
	d->found_at = at;
	if (r->is_unfit && !r->has_rua)
		end(d, DMARC_NONE, "its record has no policy");
	else if (!str_ieq(at, d->author) && r->np != r->sp)
		d->state = DMARC_ST_EXISTS;
	else
		decide_policy(d, true);
}

static size_t
found_of(const struct dmarc_walk *w, struct str name)
{
	size_t i = 0;

	while (i < w->n && !str_ieq(w->found[i].name, name))
		i++;
	return i;
}

/* The record of the author, else of its organisation, else of the suffix
 * above (RFC 9989 4.10.1). */
static void
choose_record(struct dmarc *d)
{
	const struct dmarc_walk *w = &d->walk;
	size_t best;

	d->org = dmarc_walk_org(w);
	best = found_of(w, d->author);
	if (best == w->n)
		best = found_of(w, d->org);
	if (best == w->n && w->n > 0 &&
	    w->found[w->n - 1].record.psd == DMARC_PSD_YES)
		best = w->n - 1;
	if (best == w->n) {
		end(d, DMARC_NONE, NULL);
	} else {
		struct dmarc_record r = w->found[best].record;

		have_record(d, w->found[best].name, &r);
	}
}

/* By the list: the author, then its organisational domain. */
static void
listed_next(struct dmarc *d)
{
	if (d->org.n == 0)
		d->org = d->org_of(d->arg, d->author);
	if (d->org.n == 0)
		d->org = d->author;
	if (d->walk.n > 0)
		have_record(d, d->walk.at, &d->heard);
	else if (str_ieq(d->walk.at, d->org))
		end(d, DMARC_NONE, NULL);
	else
		d->walk.at = d->org;
}

/* --- alignment ----------------------------------------------------------- */

static void
aligned(struct dmarc *d)
{
	if (d->id[d->id_at].is_unknown)
		d->id_failed = true;
	else if (d->id[d->id_at].how == DMARC_SPF)
		d->by_spf = true;
	else
		d->by_dkim = true;
}

static void
next_id(struct dmarc *d)
{
	if (++d->id_at < d->ids)
		walk_begin(&d->walk, d->id[d->id_at].domain);
}

/* Decides about the identifier without a question where that can be done;
 * false: its tree has to be walked. */
static bool
judge_id(struct dmarc *d)
{
	struct str domain = d->id[d->id_at].domain;
	bool strict = d->id[d->id_at].how == DMARC_SPF ? d->record.strict_spf :
	    d->record.strict_dkim;

	if (str_ieq(domain, d->author)) {
		aligned(d);
		return true;
	}
	if (strict || !is_below(domain, d->org))
		return true;
	if (d->org_of != NULL) {
		if (str_ieq(d->org_of(d->arg, domain), d->org))
			aligned(d);
		return true;
	}
	if (str_ieq(domain, d->org)) {
		aligned(d);
		return true;
	}
	return false;
}

static enum dmarc_step
step_align(struct dmarc *d)
{
	while (d->id_at < d->ids) {
		if (d->walk.is_over) {
			if (str_ieq(dmarc_walk_org(&d->walk), d->org))
				aligned(d);
		} else if (!judge_id(d)) {
			return ask_at(d, d->walk.at, false);
		}
		next_id(d);
	}
	if (d->by_spf || d->by_dkim)
		end(d, DMARC_PASS, NULL);
	else if (d->id_failed && d->ids > 0)
		end(d, DMARC_TEMPERROR, "the DNS does not answer");
	else
		end(d, DMARC_FAIL, NULL);
	return DMARC_DONE;
}

static enum dmarc_step
step_author(struct dmarc *d)
{
	if (d->author.n == 0 || d->author.n > DMARC_NAME_MAX) {
		end(d, DMARC_PERMERROR, "no domain in From");
		return DMARC_DONE;
	}
	if (!d->walk.is_over)
		return ask_at(d, d->walk.at, false);
	choose_record(d);
	return dmarc_step(d);
}

enum dmarc_step
dmarc_step(struct dmarc *d)
{
	switch (d->state) {
	case DMARC_ST_AUTHOR:
		return step_author(d);
	case DMARC_ST_EXISTS:
		return ask_at(d, d->author, true);
	case DMARC_ST_ALIGN:
		return step_align(d);
	case DMARC_ST_OVER:
		break;
	}
	return DMARC_DONE;
}

/* --- answers ------------------------------------------------------------- */

void
dmarc_txt(struct dmarc *d, struct str text)
{
	struct dmarc_record r;

	if (d->ask_exists || dmarc_parse(text, &r) != 0)
		return;
	d->heard = r;
	d->records++;
}

static void
answered_policy(struct dmarc *d)
{
	if (d->records == 1)
		walk_found(&d->walk, &d->heard);
	if (d->org_of != NULL)
		listed_next(d);
	else if (!d->walk.is_over)
		walk_on(&d->walk);
}

/* The DNS is silent somewhere above.  If the author has a record, only how
 * far its organisation reaches is unknown: what is proved for the very domain
 * still passes, and nothing proved still fails. */
static void
failed_above(struct dmarc *d)
{
	size_t own = found_of(&d->walk, d->author);
	struct dmarc_record r;

	if (d->state != DMARC_ST_AUTHOR || own == d->walk.n) {
		end(d, DMARC_TEMPERROR, "the DNS does not answer");
		return;
	}
	r = d->walk.found[own].record;
	d->org = d->author;
	d->id_failed = true;
	have_record(d, d->walk.found[own].name, &r);
}

void
dmarc_answered(struct dmarc *d, bool exists, bool failed)
{
	if (d->state == DMARC_ST_ALIGN) {
		d->id_failed |= failed;
		if (failed)
			next_id(d);
		else if (d->records == 1)
			walk_found(&d->walk, &d->heard);
		if (!failed && !d->walk.is_over)
			walk_on(&d->walk);
	} else if (d->state == DMARC_ST_OVER) {
		return;
	} else if (failed) {
		failed_above(d);
	} else if (d->state == DMARC_ST_EXISTS) {
		decide_policy(d, exists);
	} else {
		answered_policy(d);
	}
}

/* --- words, authors ------------------------------------------------------ */

const char *
dmarc_result_name(enum dmarc_result r)
{
	static const char *const names[] = {
		[DMARC_NONE] = "none", [DMARC_PASS] = "pass",
		[DMARC_FAIL] = "fail", [DMARC_TEMPERROR] = "temperror",
		[DMARC_PERMERROR] = "permerror",
	};

	return names[r];
}

const char *
dmarc_policy_name(enum dmarc_policy p)
{
	return policies[p];
}

size_t
dmarc_authors(struct str block, struct arena *a, struct str *domain,
    size_t max, size_t *fields_out)
{
	struct header h;
	struct header_field f;
	struct addr_list list;
	struct addr_item item;
	size_t n = 0;

	*fields_out = 0;
	header_init(&h, block);
	while (header_next(&h, &f)) {
		if (!str_is(f.name, "From"))
			continue;
		(*fields_out)++;
		addr_list_init(&list, f.value);
		while (addr_list_next(&list, &item)) {
			if (item.kind != ADDR_MAILBOX || item.domain.n == 0 ||
			    str_iamong(item.domain, domain, n < max ? n : max))
				continue;
			/* ten thousand of one domain cost one copy */
			if (n < max)
				domain[n] = arena_lower(a, item.domain);
			n++;
		}
		addr_list_free(&list);
	}
	return n;
}
