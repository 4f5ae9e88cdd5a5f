/* SPDX-License-Identifier: ISC */
/*
 * mail/mime.c - the MIME structure of a message, in one pass.
 *
 * Chunks come in, are cut into lines, and each line is either part of a
 * header, a delimiter of an open multipart, or body.  The parts hang in a
 * tree by pointers; the multiparts that are open at the moment stand in a
 * fixed array, so that depth costs neither stack nor time.  Only octets that
 * may be a delimiter or belong to a field we keep are ever copied.
 *
 * Nothing here decodes a body, follows a message/partial or external-body,
 * or fails: what a message should not be ends up as text that belongs to the
 * part it stands in.
 *
 * RFC 2045 5, 2046 5.1, 2183, 2231 (names are kept as written).
 */
#include "mail/mime.h"

#include <string.h>

#include "mail/header.h"

#include "base/banned.h"

/* A delimiter line: "--", boundary, "--", and some blanks. */
#define LINE_HEAD	(MIME_BOUNDARY_MAX + 64)
#define NAME_MAX_KEPT	32	/* no field we keep has a longer name, its
				 * blanks before the colon included */

/* Fields of a part's header, behind those of a message's. */
enum part_field {
	F_TYPE = MIME_FIELDS, F_ENCODING, F_ID, F_DESCRIPTION, F_MD5,
	F_LOCATION, F_LANGUAGE, F_DISPOSITION, F_NONE
};

static const struct {
	const char	*name;
	int		field;
	bool		is_list;	/* doubled ones are joined */
} fields[] = {
	{ "Content-Type", F_TYPE, false },
	{ "Content-Transfer-Encoding", F_ENCODING, false },
	{ "Content-ID", F_ID, false },
	{ "Content-Description", F_DESCRIPTION, false },
	{ "Content-MD5", F_MD5, false },
	{ "Content-Location", F_LOCATION, false },
	{ "Content-Language", F_LANGUAGE, false },
	{ "Content-Disposition", F_DISPOSITION, false },
	{ "Date", MIME_DATE, false },
	{ "Subject", MIME_SUBJECT, false },
	{ "From", MIME_FROM, true },
	{ "Sender", MIME_SENDER, false },
	{ "Reply-To", MIME_REPLY_TO, true },
	{ "To", MIME_TO, true },
	{ "Cc", MIME_CC, true },
	{ "Bcc", MIME_BCC, true },
	{ "In-Reply-To", MIME_IN_REPLY_TO, false },
	{ "Message-ID", MIME_MESSAGE_ID, false },
};

/* A place between two octets. */
struct mark {
	uint64_t	at;	/* octets of the input before it */
	uint64_t	bare;	/* LFs without CR among them */
	uint64_t	lines;	/* LFs among them */
	bool		at_line_start;
};

struct piece {
	struct piece	*next;
	struct str	text;
};

struct open {
	struct mime_part *part;
	struct str	boundary;
	bool		is_digest;	/* RFC 2046 5.1.5 */
};

struct mime_walk {
	struct mime_part *cur;
	struct mark	here, before_line_end;
	bool		in_header;
	uint8_t		last;		/* octet before here */
	struct open	open[MIME_DEPTH_MAX];
	size_t		opens;
	uint64_t	header_octets;	/* of all parts */

	/* The line being read. */
	uint8_t		head[LINE_HEAD];
	size_t		head_n, line_n;

	/* The field being read: name and value, while it is one to keep. */
	uint8_t		field[MIME_FIELD_MAX];
	size_t		field_n;
	bool		field_known, field_skip;
	int		field_id;
	bool		field_is_list;

	/* Of the header being read. */
	struct str	kept[F_NONE];
	struct piece	*more[MIME_FIELDS], **more_end[MIME_FIELDS];
	size_t		more_n[MIME_FIELDS];
};

/* Where each open part's spans begin; beside the part, for marks are ours. */
struct part_marks {
	struct mime_part part;		/* first: the two are one allocation */
	struct mark	header_from, body_from;
};

static struct part_marks *
marks_of(struct mime_part *p)
{
	return container_of(p, struct part_marks, part);
}

/* --- parameters ---------------------------------------------------------- */

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* To the next byte of `stops`, blank or comment. */
static struct str
take_run(struct str *s, const char *stops)
{
	size_t i = 0;
	struct str run;

	while (i < s->n && !is_blank(s->p[i]) && s->p[i] != '(' &&
	    (s->p[i] == 0 || strchr(stops, s->p[i]) == NULL))
		i++;
	run = str_sub(*s, 0, i);
	*s = str_from(*s, i);
	return run;
}

/* *s stands at a quote.  Unquoted and unfolded, in the arena. */
static struct str
take_quoted(struct str *s, struct arena *a)
{
	size_t end = 1, n = 0;
	uint8_t *p;

	while (end < s->n && s->p[end] != '"')
		end += s->p[end] == '\\' ? 2 : 1;
	end = end < s->n ? end : s->n;
	p = arena_get(a, end);
	for (size_t i = 1; p != NULL && i < end; i++) {
		if (s->p[i] == '\\' && i + 1 < end)
			i++;
		else if (s->p[i] == '\r' || s->p[i] == '\n')
			continue;
		p[n++] = s->p[i];
	}
	*s = str_from(*s, end + 1);
	return str_mem(p, n);
}

static struct str
take_value(struct str *s, struct arena *a)
{
	header_skip_cfws(s);
	if (s->n > 0 && s->p[0] == '"')
		return take_quoted(s, a);
	return arena_str(a, take_run(s, ";"));
}

struct str
mime_param_get(const struct mime_param *p, const char *name)
{
	for (; p != NULL; p = p->next)
		if (str_is(p->name, name))
			return p->value;
	return (struct str){ NULL, 0 };
}

static bool
param_known(const struct mime_param *p, struct str name)
{
	for (; p != NULL; p = p->next)
		if (str_ieq(p->name, name))
			return true;
	return false;
}

/* One "name=value"; s stands behind the ";". */
static struct mime_param *
take_param(struct str *s, struct arena *a, const struct mime_param *before)
{
	struct str name, value;
	struct mime_param *p;

	header_skip_cfws(s);
	name = take_run(s, "=;\"");
	header_skip_cfws(s);
	if (s->n == 0 || s->p[0] != '=')
		return NULL;
	*s = str_from(*s, 1);
	value = take_value(s, a);
	if (name.n == 0 || value.p == NULL || param_known(before, name))
		return NULL;
	p = arena_get(a, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->name = arena_str(a, name);
	p->value = value;
	return p->name.p == NULL ? NULL : p;
}

/* On to the ";" that ends what stands here, quoted ones left out. */
static bool
next_param(struct str *s)
{
	size_t i = 0;
	bool found;

	header_skip_cfws(s);
	for (; i < s->n && s->p[i] != ';'; i++) {
		if (s->p[i] != '"')
			continue;
		for (i++; i < s->n && s->p[i] != '"'; i++)
			if (s->p[i] == '\\')
				i++;
	}
	found = i < s->n;
	*s = str_from(*s, i + 1);
	return found;
}

void
mime_params_parse(struct str value, struct arena *a, struct str *token_out,
    struct mime_param **params_out)
{
	struct mime_param *first = NULL, **end = &first;

	header_skip_cfws(&value);
	*token_out = take_run(&value, ";");
	for (size_t n = 0; n < MIME_PARAMS_MAX && value.n > 0; n++) {
		struct mime_param *p;

		if (!next_param(&value))
			break;
		p = take_param(&value, a, first);
		if (p != NULL) {
			*end = p;
			end = &p->next;
		}
	}
	*params_out = first;
}

/* --- the header of a part ------------------------------------------------ */

/* RFC 2045 5.1: what a type or subtype may be made of. */
static bool
is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 32 || s.p[i] > 126 ||
		    strchr("()<>@,;:\\\"/[]?=", s.p[i]) != NULL)
			return false;
	return s.n > 0 && s.n <= 127;
}

static void
set_type(struct mime_part *p, const char *type, const char *subtype)
{
	p->type = str_of(type);
	p->subtype = str_of(subtype);
}

/* RFC 2045 5.2: absent or malformed is text/plain. */
static void
read_type(struct mime_walk *w, struct mime_part *p, struct arena *a)
{
	struct str token, type;

	set_type(p, "text", "plain");
	if (w->kept[F_TYPE].p == NULL)
		return;
	mime_params_parse(w->kept[F_TYPE], a, &token, &p->params);
	type = str_until(&token, '/');
	if (!is_token(type) || !is_token(token)) {
		p->params = NULL;
		return;
	}
	p->has_type = true;
	p->type = type;
	p->subtype = token;
}

static struct str
trimmed(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = str_from(s, 1);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Absent fields have p == NULL; so must those of blanks only. */
static struct str
field_or_none(struct str s)
{
	s = trimmed(s);
	return s.n == 0 ? (struct str){ NULL, 0 } : s;
}

static void
read_part_fields(struct mime_walk *w, struct mime_part *p, struct arena *a)
{
	struct mime_param *none;
	struct str token;

	read_type(w, p, a);
	p->encoding = STR("7BIT");
	mime_params_parse(w->kept[F_ENCODING], a, &token, &none);
	if (is_token(token))
		p->encoding = token;
	p->id = field_or_none(w->kept[F_ID]);
	p->description = field_or_none(w->kept[F_DESCRIPTION]);
	p->md5 = field_or_none(w->kept[F_MD5]);
	p->location = field_or_none(w->kept[F_LOCATION]);
	p->language = field_or_none(w->kept[F_LANGUAGE]);
	mime_params_parse(w->kept[F_DISPOSITION], a, &token,
	    &p->disposition_params);
	if (is_token(token))
		p->disposition = token;
	else
		p->disposition_params = NULL;
}

/* Doubled address fields are one list (RFC 5322 3.6 allows one; readers show
 * all). */
static struct str
joined(struct mime_walk *w, int id, struct arena *a)
{
	uint8_t *p;
	size_t n = 0;

	if (w->more[id] == NULL || w->more[id]->next == NULL)
		return w->kept[id];
	p = arena_get(a, w->more_n[id]);
	if (p == NULL)
		return w->kept[id];
	for (struct piece *e = w->more[id]; e != NULL; e = e->next) {
		if (e->text.n > 0)
			memcpy(p + n, e->text.p, e->text.n);
		n += e->text.n;
		if (e->next != NULL) {
			p[n++] = ',';
			p[n++] = ' ';
		}
	}
	return str_mem(p, n);
}

static void
read_message_fields(struct mime_walk *w, struct mime_message *m,
    struct arena *a)
{
	for (int i = 0; i < MIME_FIELDS; i++)
		m->field[i] = joined(w, i, a);
}

static void
begin_header(struct mime_walk *w)
{
	w->in_header = true;
	w->field_n = 0;
	w->field_known = w->field_skip = true;
	memset(w->kept, 0, sizeof(w->kept));
	for (int i = 0; i < MIME_FIELDS; i++) {
		w->more[i] = NULL;
		w->more_end[i] = &w->more[i];
		w->more_n[i] = 0;
	}
}

/* A further field of a list, up to MIME_FIELD_MAX in all. */
static void
add_piece(struct mime *m, struct str text)
{
	struct mime_walk *w = m->walk;
	int id = w->field_id;
	struct piece *e;

	if (w->more_n[id] + text.n + 2 > MIME_FIELD_MAX + 64)
		return;
	e = arena_get(m->arena, sizeof(*e));
	if (e == NULL)
		return;
	e->text = text;
	*w->more_end[id] = e;
	w->more_end[id] = &e->next;
	w->more_n[id] += text.n + 2;
}

/* The field in hand is complete. */
static void
end_field(struct mime *m)
{
	struct mime_walk *w = m->walk;
	struct str text = str_mem(w->field, w->field_n);
	int id = w->field_id;

	if (!w->field_known || w->field_skip)
		return;
	w->field_skip = true;
	if (w->kept[id].p != NULL && !w->field_is_list)
		return;		/* of doubled ones the first counts */
	text = arena_str(m->arena, trimmed(text));
	if (text.p == NULL) {
		/* an empty value is there all the same */
		text = STR("");
		if (w->field_n > 0 && trimmed(str_mem(w->field,
		    w->field_n)).n > 0)
			return;
	}
	if (w->kept[id].p == NULL)
		w->kept[id] = text;
	if (w->field_is_list && text.n > 0)
		add_piece(m, text);
}

/* The name is whole: is it a field we keep? */
static void
know_field(struct mime_walk *w, struct str name)
{
	bool is_message = w->cur->message != NULL;

	w->field_known = true;
	w->field_skip = true;
	while (name.n > 0 && (name.p[name.n - 1] == ' ' ||
	    name.p[name.n - 1] == '\t'))
		name.n--;
	for (size_t i = 0; i < NITEMS(fields); i++)
		if (str_is(name, fields[i].name) &&
		    (is_message || fields[i].field >= MIME_FIELDS)) {
			w->field_id = fields[i].field;
			w->field_is_list = fields[i].is_list;
			w->field_skip = false;
		}
	w->field_n = 0;
}

static void
keep_octets(struct mime_walk *w, struct str s)
{
	size_t room = sizeof(w->field) - w->field_n;
	size_t n = s.n < room ? s.n : room;

	if (n > 0)
		memcpy(w->field + w->field_n, s.p, n);
	w->field_n += n;
}

/* A piece of a header line; is_first: its beginning. */
static void
header_piece(struct mime *m, struct str piece, bool is_first)
{
	struct mime_walk *w = m->walk;
	size_t colon;

	w->header_octets += piece.n;
	if (is_first && piece.n > 0 && piece.p[0] != ' ' &&
	    piece.p[0] != '\t') {
		end_field(m);
		w->field_n = 0;
		w->field_known = w->field_skip = false;
		if (w->header_octets > MIME_HEADER_MAX) {
			w->field_known = w->field_skip = true;
			m->limited = true;
		}
	}
	if (w->field_skip)
		return;
	if (w->field_known) {
		keep_octets(w, piece);
		return;
	}
	colon = str_chr(piece, ':');
	keep_octets(w, str_sub(piece, 0, colon));
	if (w->field_n > NAME_MAX_KEPT) {
		/* Also when the colon is here: a chunk's end changes nothing. */
		w->field_known = w->field_skip = true;
	} else if (colon < piece.n) {
		know_field(w, str_mem(w->field, w->field_n));
		if (!w->field_skip)
			keep_octets(w, str_from(piece, colon + 1));
	}
}

/* --- parts --------------------------------------------------------------- */

static void
span_set(struct mime_span *s, const struct mark *from, const struct mark *to)
{
	s->at = from->at;
	s->size = to->at - from->at;
	s->wire = s->size + (to->bare - from->bare);
	s->lines = to->lines - from->lines;
	/* A last line without line end is a line too. */
	if (s->size > 0 && !to->at_line_start)
		s->lines++;
}

/* NULL at a limit; then the rest is opaque. */
static struct mime_part *
part_new(struct mime *m, struct mime_part *parent, bool is_message)
{
	struct part_marks *k;
	struct mime_message *message = NULL;

	if (m->parts >= MIME_PARTS_MAX)
		return NULL;
	k = arena_get(m->arena, sizeof(*k));
	if (is_message)
		message = arena_get(m->arena, sizeof(*message));
	if (k == NULL || (is_message && message == NULL))
		return NULL;
	k->part.message = message;
	k->part.parent = parent;
	k->part.encoding = STR("7BIT");
	set_type(&k->part, "text", "plain");
	k->part.number = 1;
	m->parts++;
	if (parent != NULL) {
		k->part.depth = parent->depth + 1;
		if (parent->last_child == NULL) {
			parent->child = &k->part;
		} else {
			parent->last_child->next = &k->part;
			k->part.number = parent->last_child->number + 1;
		}
		parent->last_child = &k->part;
	}
	return &k->part;
}

static void
part_begin(struct mime *m, struct mime_part *p, const struct mark *from)
{
	marks_of(p)->header_from = *from;
	m->walk->cur = p;
	begin_header(m->walk);
}

/* A multipart needs a child, for clients that cannot imagine none. */
static void
part_fill(struct mime *m, struct mime_part *p, const struct mark *at)
{
	struct mime_part *child;

	if (p->kind != MIME_MULTIPART || p->child != NULL)
		return;
	child = part_new(m, p, false);
	if (child == NULL) {
		/* No room for even that one: say that it is a blob. */
		p->kind = MIME_LEAF;
		p->params = NULL;
		set_type(p, "application", "octet-stream");
		return;
	}
	child->kind = MIME_TEXT;
	span_set(&child->header, at, at);
	span_set(&child->body, at, at);
}

static bool
open_multipart(struct mime *m, struct mime_part *p)
{
	struct mime_walk *w = m->walk;
	struct str boundary = mime_param_get(p->params, "boundary");

	/* RFC 2046 5.1.1: never ends with a blank. */
	while (boundary.n > 0 && is_blank(boundary.p[boundary.n - 1]))
		boundary.n--;
	if (boundary.n == 0 || boundary.n > MIME_BOUNDARY_MAX)
		return false;
	w->open[w->opens++] = (struct open){
		.part = p, .boundary = boundary,
		.is_digest = str_is(p->subtype, "digest"),
	};
	return true;
}

static bool
in_digest(const struct mime *m, const struct mime_part *p)
{
	const struct mime_walk *w = m->walk;

	return w->opens > 0 && w->open[w->opens - 1].part == p->parent &&
	    w->open[w->opens - 1].is_digest;
}

static void
go_opaque(struct mime *m, struct mime_part *p)
{
	m->limited = true;
	p->kind = MIME_LEAF;
	p->params = NULL;
	set_type(p, "application", "octet-stream");
}

/* The kind of part whose header is read, and what its body will be. */
static void
part_kind(struct mime *m, struct mime_part *p)
{
	struct mime_walk *w = m->walk;
	struct mime_part *child;

	if (!p->has_type && in_digest(m, p))
		set_type(p, "message", "rfc822");
	p->kind = MIME_LEAF;
	if (str_is(p->type, "text")) {
		p->kind = MIME_TEXT;
	} else if (str_is(p->type, "multipart")) {
		p->kind = MIME_MULTIPART;
		if (p->depth + 1 >= MIME_DEPTH_MAX ||
		    w->opens >= MIME_DEPTH_MAX)
			go_opaque(m, p);
		else
			(void)open_multipart(m, p);
	} else if (str_is(p->type, "message") &&
	    (str_is(p->subtype, "rfc822") || str_is(p->subtype, "global"))) {
		child = p->depth + 1 >= MIME_DEPTH_MAX ? NULL :
		    part_new(m, p, true);
		if (child == NULL) {
			go_opaque(m, p);
			return;
		}
		p->kind = MIME_RFC822;
		part_begin(m, child, &marks_of(p)->body_from);
	}
}

/* The header of cur ends at `end`, where its body begins. */
static void
header_done(struct mime *m, const struct mark *end)
{
	struct mime_walk *w = m->walk;
	struct mime_part *p = w->cur;
	struct part_marks *k = marks_of(p);
	const struct mark *to = end->at < k->header_from.at ?
	    &k->header_from : end;

	end_field(m);
	w->in_header = false;
	span_set(&p->header, &k->header_from, to);
	k->body_from = *to;
	read_part_fields(w, p, m->arena);
	if (p->message != NULL)
		read_message_fields(w, p->message, m->arena);
	part_kind(m, p);
}

/*
 * p ends at `end`.  What lies behind it, header too, was never there: that
 * happens to parts below the one whose delimiter it is.
 */
static void
part_end(struct mime *m, struct mime_part *p, const struct mark *end)
{
	struct part_marks *k = marks_of(p);

	if (end->at < k->body_from.at) {
		span_set(&p->header, k->header_from.at < end->at ?
		    &k->header_from : end, end);
		k->body_from = *end;
	}
	span_set(&p->body, &k->body_from, end);
	part_fill(m, p, &k->body_from);
}

/*
 * cur and its parents below `stop` end at `end`.  The line end before a
 * delimiter is the delimiter's (RFC 2046 5.1.1), also when it is the empty
 * line of a header: a child of the multipart keeps its header whole all the
 * same, has an empty body behind it, and what lies in it lies there.
 */
static void
parts_end(struct mime *m, const struct mime_part *stop, struct mark end)
{
	struct mime_walk *w = m->walk;
	struct mime_part *direct;

	/* A message/rfc822 whose header ends here has one more to end. */
	while (w->in_header)
		header_done(m, &end);
	if (w->cur == stop)
		return;
	for (direct = w->cur; direct->parent != stop;)
		direct = direct->parent;
	if (end.at < marks_of(direct)->body_from.at)
		end = marks_of(direct)->body_from;
	for (; w->cur != stop; w->cur = w->cur->parent)
		part_end(m, w->cur, &end);
}

/* --- lines --------------------------------------------------------------- */

enum delimiter { NO_DELIMITER, NEXT_PART, LAST_PART };

/* Is the line "--" boundary ["--"] blanks? */
static enum delimiter
match(struct str line, struct str boundary)
{
	enum delimiter found = NEXT_PART;

	if (line.n < boundary.n + 2 ||
	    memcmp(line.p + 2, boundary.p, boundary.n) != 0)
		return NO_DELIMITER;
	line = str_from(line, boundary.n + 2);
	if (str_starts(line, "--")) {
		line = str_from(line, 2);
		found = LAST_PART;
	}
	return trimmed(line).n == 0 ? found : NO_DELIMITER;
}

/* The innermost open multipart that this line delimits. */
static enum delimiter
find_delimiter(const struct mime_walk *w, size_t *which_out)
{
	struct str line = str_mem(w->head, w->head_n);

	if (w->opens == 0 || w->line_n > w->head_n || line.n < 3 ||
	    line.p[0] != '-' || line.p[1] != '-')
		return NO_DELIMITER;
	for (size_t i = w->opens; i-- > 0;) {
		enum delimiter d = match(line, w->open[i].boundary);

		if (d != NO_DELIMITER) {
			*which_out = i;
			return d;
		}
	}
	return NO_DELIMITER;
}

static void
delimiter_line(struct mime *m, enum delimiter d, size_t which)
{
	struct mime_walk *w = m->walk;
	struct mime_part *multipart = w->open[which].part, *child;

	if (d == NEXT_PART && m->parts >= MIME_PARTS_MAX) {
		/* From here on all is body of the part we are in. */
		m->limited = true;
		w->opens = 0;
		return;
	}
	parts_end(m, multipart, w->before_line_end);
	w->opens = which + (d == NEXT_PART);
	w->cur = multipart;
	if (d == LAST_PART)
		return;
	child = part_new(m, multipart, false);
	if (child == NULL) {
		m->limited = true;
		w->opens = 0;
		return;
	}
	part_begin(m, child, &w->here);
}

/* A line is whole: its line end was the last octet, `here` is behind it. */
static void
line_done(struct mime *m)
{
	struct mime_walk *w = m->walk;
	size_t which;
	enum delimiter d = find_delimiter(w, &which);
	bool is_empty = w->line_n == 1 ||
	    (w->line_n == 2 && w->head[0] == '\r');
	bool is_crlf = w->line_n >= 2 && w->last == '\r';

	if (d != NO_DELIMITER)
		delimiter_line(m, d, which);
	else if (w->in_header && is_empty)
		header_done(m, &w->here);
	w->before_line_end = (struct mark){
		.at = w->here.at - 1 - is_crlf,
		.bare = w->here.bare - !is_crlf,
		.lines = w->here.lines - 1,
		.at_line_start = is_empty,
	};
	w->head_n = w->line_n = 0;
}

/* Octets of one line, at most one LF and that as the last. */
static void
line_piece(struct mime *m, struct str piece)
{
	struct mime_walk *w = m->walk;
	bool is_first = w->line_n == 0;
	size_t n = LINE_HEAD - w->head_n;

	if (n > piece.n)
		n = piece.n;
	memcpy(w->head + w->head_n, piece.p, n);
	w->head_n += n;
	w->line_n += piece.n;
	if (w->in_header)
		header_piece(m, piece, is_first);
	w->here.at += piece.n;
	w->here.at_line_start = piece.p[piece.n - 1] == '\n';
	if (piece.n > 1)
		w->last = piece.p[piece.n - 2];
	if (w->here.at_line_start) {
		w->here.lines++;
		w->here.bare += w->last != '\r';
		line_done(m);
	}
	w->last = piece.p[piece.n - 1];
}

/* Branch-free, so that compilers make vectors of it. */
static void
look_at_octets(struct mime *m, struct str chunk)
{
	uint8_t seen = 0;

	for (size_t i = 0; i < chunk.n; i++)
		seen |= chunk.p[i];
	m->has_8bit |= (seen & 0x80) != 0;
	m->has_nul = m->has_nul || memchr(chunk.p, 0, chunk.n) != NULL;
}

int
mime_begin(struct mime *m, struct arena *a)
{
	*m = (struct mime){ .arena = a };
	m->walk = arena_get(a, sizeof(*m->walk));
	if (m->walk == NULL)
		return FAIL_TOO_BIG;
	m->root = part_new(m, NULL, true);
	if (m->root == NULL)
		return FAIL_TOO_BIG;
	m->walk->here.at_line_start = true;
	part_begin(m, m->root, &m->walk->here);
	return 0;
}

void
mime_feed(struct mime *m, struct str chunk)
{
	if (chunk.n == 0)
		return;
	look_at_octets(m, chunk);
	while (chunk.n > 0) {
		const uint8_t *lf = memchr(chunk.p, '\n', chunk.n);
		size_t n = lf == NULL ? chunk.n : (size_t)(lf - chunk.p) + 1;

		line_piece(m, str_sub(chunk, 0, n));
		chunk = str_from(chunk, n);
	}
}

void
mime_end(struct mime *m)
{
	struct mime_walk *w = m->walk;
	size_t which;
	struct mark zero = { .at_line_start = true };
	enum delimiter d;

	/* "--b--" as the last octets, without line end, still counts. */
	d = find_delimiter(w, &which);
	if (d != NO_DELIMITER) {
		delimiter_line(m, d, which);
		w->head_n = w->line_n = 0;
	}
	parts_end(m, NULL, w->here);
	span_set(&m->whole, &zero, &w->here);
}

struct mime_part *
mime_find(const struct mime *m, const uint32_t *number, size_t n)
{
	struct mime_part *holder = m->root, *p = m->root;

	for (size_t i = 0; i < n; i++) {
		if (holder == NULL || number[i] == 0)
			return NULL;
		if (holder->kind == MIME_MULTIPART) {
			p = holder->child;
			for (uint32_t k = 1; p != NULL && k < number[i]; k++)
				p = p->next;
		} else {
			p = number[i] == 1 ? holder : NULL;
		}
		if (p == NULL)
			return NULL;
		if (p->kind == MIME_RFC822)
			holder = p->child;
		else if (p->kind == MIME_MULTIPART && p != holder)
			holder = p;
		else
			holder = NULL;
	}
	return p;
}
