libsentier_a_SOURCES += \
	server/sandbox/container.c server/sandbox/container.h \
	server/sandbox/sandbox.c server/sandbox/sandbox.h \
	server/sandbox/usage.c server/sandbox/usage.h \
	server/sandbox/words.c server/sandbox/words.h
