libsentier_a_SOURCES += \
	server/base/auto.h \
	server/base/crew.c server/base/crew.h \
	server/base/digest.c server/base/digest.h \
	server/base/err.c server/base/err.h server/base/format.c server/base/format.h server/base/errors.def \
	server/base/folder.c server/base/folder.h \
	server/base/hoard.c server/base/hoard.h \
	server/base/id.c server/base/id.h \
	server/base/instant.c server/base/instant.h \
	server/base/log.c server/base/log.h \
	server/base/mem.c server/base/mem.h \
	server/base/text.c server/base/text.h \
	server/base/whittaker.c server/base/whittaker.h
