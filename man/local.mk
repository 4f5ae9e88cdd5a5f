# man - one page a program; that of the settings is made of their table
dist_man_MANS += man/veredus.8 man/sendmail.8 man/mailq.1 man/newaliases.1 \
	man/aliases.5
noinst_PROGRAMS += man/settings
man_settings_SOURCES = man/settings.c
man_MANS = man/veredus.conf.5
EXTRA_DIST += man/veredus.conf.5.in
CLEANFILES += man/veredus.conf.5
man/veredus.conf.5: man/veredus.conf.5.in man/settings$(EXEEXT)
	$(AM_V_GEN)man/settings$(EXEEXT) $(srcdir)/man/veredus.conf.5.in > $@.tmp && mv $@.tmp $@
dist_man_MANS += man/veredus-imapd.8 man/providers.conf.5
dist_man_MANS += man/veredus-pop3d.8
dist_man_MANS += man/veredus-smtpd.8
dist_man_MANS += man/veredus-bounce.8 man/veredus-qmgr.8 man/veredus-rated.8
dist_man_MANS += man/veredus-stored.8
dist_man_MANS += man/veredus-authd.8 man/veredus-routed.8
dist_man_MANS += man/veredus-spoold.8
dist_man_MANS += man/veredus-syncd.8
dist_man_MANS += man/veredus-master.8 man/veredus-logd.8 man/veredus-ctld.8
dist_man_MANS += man/veredus-resolvd.8
dist_man_MANS += man/veredus-remote.8
dist_man_MANS += man/veredus-signd.8
dist_man_MANS += man/veredus-keyd.8
dist_man_MANS += man/veredus-checkd.8
