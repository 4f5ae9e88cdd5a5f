# conf - samples, and what the init systems want
dist_examples_DATA = conf/veredus.conf conf/aliases
examplesdir = $(docdir)/examples

CONF_MADE = conf/veredus.service conf/veredus.init
EXTRA_DIST += conf/veredus.service.in conf/veredus.init.in \
	conf/tmpfiles.conf conf/sysusers.conf conf/fail2ban/filter.conf \
	conf/providers.conf
CLEANFILES += $(CONF_MADE)
all-local: $(CONF_MADE)
$(CONF_MADE): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) conf && sed -e 's|@sbindir[@]|$(sbindir)|g' \
		-e 's|@sysconfdir[@]|$(sysconfdir)|g' $< > $@

# Below the prefix: where the system looks is for its packager to say.
conf_lib = $(DESTDIR)$(prefix)/lib
install-data-local: $(CONF_MADE)
	$(MKDIR_P) $(conf_lib)/systemd/system $(conf_lib)/sysusers.d \
		$(conf_lib)/tmpfiles.d $(DESTDIR)$(sysconfdir)/init.d \
		$(DESTDIR)$(sysconfdir)/fail2ban/filter.d \
		$(DESTDIR)$(sysconfdir)/veredus
	$(INSTALL_DATA) conf/veredus.service $(conf_lib)/systemd/system/
	$(INSTALL_DATA) $(srcdir)/conf/sysusers.conf \
		$(conf_lib)/sysusers.d/veredus.conf
	$(INSTALL_DATA) $(srcdir)/conf/tmpfiles.conf \
		$(conf_lib)/tmpfiles.d/veredus.conf
	test -f $(DESTDIR)$(sysconfdir)/veredus/providers.conf || \
		$(INSTALL_DATA) $(srcdir)/conf/providers.conf \
		$(DESTDIR)$(sysconfdir)/veredus/
	$(INSTALL_SCRIPT) conf/veredus.init \
		$(DESTDIR)$(sysconfdir)/init.d/veredus
	$(INSTALL_DATA) $(srcdir)/conf/fail2ban/filter.conf \
		$(DESTDIR)$(sysconfdir)/fail2ban/filter.d/veredus.conf
# what an operator wrote into providers.conf stays
uninstall-local:
	! cmp -s $(srcdir)/conf/providers.conf \
		$(DESTDIR)$(sysconfdir)/veredus/providers.conf || \
		rm -f $(DESTDIR)$(sysconfdir)/veredus/providers.conf
	rm -f $(conf_lib)/systemd/system/veredus.service \
		$(conf_lib)/sysusers.d/veredus.conf \
		$(conf_lib)/tmpfiles.d/veredus.conf \
		$(DESTDIR)$(sysconfdir)/init.d/veredus \
		$(DESTDIR)$(sysconfdir)/fail2ban/filter.d/veredus.conf
