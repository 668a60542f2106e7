# The web client, embedded by files.S; and pictures of the documentation.
www_files = \
	www/files.def \
	www/icon.svg \
	www/index.html \
	www/ui.css \
	www/ui.js
EXTRA_DIST += www/ndvi.png $(www_files)
libsentier_a_SOURCES += www/files.S
www/files.$(OBJEXT): $(www_files)
