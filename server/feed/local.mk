libsentier_a_SOURCES += \
	server/feed/hooks.c server/feed/hooks.h \
	server/feed/interest.c server/feed/interest.h \
	server/feed/tape.c server/feed/tape.h \
	server/feed/telling.c server/feed/telling.h
