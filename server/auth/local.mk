libsentier_a_SOURCES += \
	server/auth/auth.h \
	server/auth/basic.c server/auth/basic.h \
	server/auth/bearer.c server/auth/bearer.h \
	server/auth/hook.c server/auth/hook.h \
	server/auth/keyset.c server/auth/keyset.h \
	server/auth/links.c \
	server/auth/provider.c server/auth/provider.h \
	server/auth/secret.c server/auth/secret.h \
	server/auth/signature.c server/auth/signature.h \
	server/auth/token.c server/auth/token.h \
	server/auth/verify.c
