libsentier_a_SOURCES += \
	server/cwl/collect.c \
	server/cwl/command.c \
	server/cwl/cwl.h \
	server/cwl/expression.c \
	server/cwl/files.c \
	server/cwl/flow.c \
	server/cwl/outside.c \
	server/cwl/read.c \
	server/cwl/secondary.c \
	server/cwl/stage.c \
	server/cwl/tool.c server/cwl/tool.h \
	server/cwl/types.c
