libsentier_a_SOURCES += \
	server/cql2/call.c \
	server/cql2/check.c \
	server/cql2/cql2.h \
	server/cql2/fold.c \
	server/cql2/from_query.c \
	server/cql2/functions.def \
	server/cql2/json_read.c \
	server/cql2/lexer.c server/cql2/lexer.h \
	server/cql2/ops.def \
	server/cql2/space.c \
	server/cql2/synonyms.c server/cql2/synonyms.def server/cql2/synonyms.h \
	server/cql2/text_read.c \
	server/cql2/match.c server/cql2/match.h \
	server/cql2/names.c server/cql2/names.h \
	server/cql2/tree.c server/cql2/tree.h \
	server/cql2/wkt.c \
	server/cql2/write.c
