libsentier_a_SOURCES += \
	server/auth/auth.h \
	server/auth/basic.c server/auth/basic.h \
	server/auth/bearer.c server/auth/bearer.h \
	server/auth/links.c \
	server/auth/secret.c server/auth/secret.h \
	server/auth/verify.c
