EXTRA_DIST += etc/packages etc/systemd/sentier-serve.service.in etc/systemd/sentier-worker.service.in
dist_man_MANS += etc/man/sentier.1 etc/man/sentier.conf.5

examplesdir = $(docdir)/examples
dist_examples_DATA = etc/sentier.conf etc/nginx.conf

unitdir = $(prefix)/lib/systemd/system
unit_DATA = etc/systemd/sentier-serve.service etc/systemd/sentier-worker.service
CLEANFILES += $(unit_DATA)
unit_sed = sed -e 's|[@]bindir[@]|$(bindir)|' -e 's|[@]sysconfdir[@]|$(sysconfdir)|'
etc/systemd/sentier-serve.service: etc/systemd/sentier-serve.service.in
	$(AM_V_GEN)$(MKDIR_P) etc/systemd && $(unit_sed) $(srcdir)/$@.in > $@
etc/systemd/sentier-worker.service: etc/systemd/sentier-worker.service.in
	$(AM_V_GEN)$(MKDIR_P) etc/systemd && $(unit_sed) $(srcdir)/$@.in > $@
EXTRA_DIST += etc/packages.sh
