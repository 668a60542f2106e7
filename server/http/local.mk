libsentier_a_SOURCES += \
	server/http/accept.c \
	server/http/acceptor.c server/http/acceptor.h \
	server/http/caller.c server/http/caller.h \
	server/http/compress.c server/http/compress.h \
	server/http/conditions.c \
	server/http/cors.c server/http/cors.h \
	server/http/exchange.c server/http/exchange.h \
	server/http/executor.c server/http/executor.h \
	server/http/file.c \
	server/http/guard.c server/http/guard.h \
	server/http/listen.c \
	server/http/metrics.c server/http/metrics.h \
	server/http/ows.c server/http/ows.h \
	server/http/problem.c \
	server/http/range.c server/http/range.h \
	server/http/reply.c server/http/reply.h \
	server/http/request.h \
	server/http/respond.c server/http/respond.h \
	server/http/socket.c server/http/socket.h \
	server/http/source.c server/http/route.c server/http/route.h server/http/table.h \
	server/http/server.h \
	server/http/stream.c server/http/stream.h server/http/streams.h \
	server/http/turns.c server/http/turns.h \
	server/http/url.c server/http/url.h \
	server/http/upload.c \
	server/http/waits.c server/http/waits.h
