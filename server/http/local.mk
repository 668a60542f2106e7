libsentier_a_SOURCES += \
	server/http/reply.h \
	server/http/request.h \
	server/http/route.h \
	server/http/server.h
