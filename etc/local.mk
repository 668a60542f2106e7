EXTRA_DIST += etc/sentier.conf
dist_man_MANS += etc/man/sentier.conf.5
