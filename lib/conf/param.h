/* SPDX-License-Identifier: ISC */
/*
 * conf/param.h - the catalogue conf/params.h as rows.
 */
#ifndef CONF_PARAM_H
#define CONF_PARAM_H

#include "base/str.h"

enum param_kind { PARAM_flag, PARAM_num, PARAM_size, PARAM_ms, PARAM_word,
    PARAM_text, PARAM_list };

struct param {
	const char	*path;	/* "smtp size-limit" */
	enum param_kind	 kind;
	const char	*dflt, *min, *max;
	unsigned	 who;
	const char	*text;
};

struct param_option {
	const char	*list, *name, *shape, *text;
};

extern const struct param params[];
extern const size_t params_count;
extern const struct param_option param_options[];
extern const size_t param_options_count;

const struct param *param_find(struct str path);	/* NULL: unknown */
const struct param_option *param_option_find(const char *list,
	    struct str name);

#endif
