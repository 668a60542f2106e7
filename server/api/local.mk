libsentier_a_SOURCES += \
	server/api/common/common.h \
	server/api/common/health.c \
	server/api/common/keys.c \
	server/api/common/me.c \
	server/api/routes.c
