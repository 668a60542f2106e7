libsentier_a_SOURCES += \
	server/feed/calls.c server/feed/calls.h \
	server/feed/notices.c server/feed/notices.h \
	server/feed/notice_text.c server/feed/notice_text.h \
	server/feed/hooks.c server/feed/hooks.h \
	server/feed/interest.c server/feed/interest.h \
	server/feed/tape.c server/feed/tape.h \
	server/feed/telling.c server/feed/telling.h
