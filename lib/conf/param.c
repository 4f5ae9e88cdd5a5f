/* SPDX-License-Identifier: ISC */
/*
 * conf/param.c - makes rows of the catalogue; nothing is decided here.
 */
#include "conf/param.h"

#include "base/proc.h"
#include "conf/params.h"
#include "base/banned.h"

#define P(member, kind, path, dflt, min, max, who, text) \
	{ path, PARAM_##kind, dflt, min, max, who, text },
#define S(section) PARAMS_##section(P)
const struct param params[] = {
	PARAM_SECTIONS(S)
};
#undef S
#undef P
const size_t params_count = NITEMS(params);

#define O(list, name, shape, text) { list, name, shape, text },
const struct param_option param_options[] = {
	PARAM_OPTIONS(O)
};
#undef O
const size_t param_options_count = NITEMS(param_options);

const struct param *
param_find(struct str path)
{
	size_t i;

	for (i = 0; i < params_count; i++)
		if (str_same(path, params[i].path))
			return &params[i];
	return NULL;
}

const struct param_option *
param_option_find(const char *list, struct str name)
{
	size_t i;

	for (i = 0; i < param_options_count; i++)
		if (str_same(str_of(list), param_options[i].list) &&
		    str_same(name, param_options[i].name))
			return &param_options[i];
	return NULL;
}
