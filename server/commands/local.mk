libsentier_a_SOURCES += \
	server/commands/cwl.c \
	server/commands/check_config.c \
	server/commands/command.h server/commands/commands.def \
	server/commands/migrate.c \
	server/commands/ortho.c \
	server/commands/openapi.c \
	server/commands/options.c \
	server/commands/unpack.c \
	server/commands/user.c \
	server/commands/version.c
libsentier_a_SOURCES += \
	server/commands/gc.c \
	server/commands/serve.c \
	server/commands/up.c \
	server/commands/worker.c
libsentier_a_SOURCES += \
	server/commands/catalog.c server/commands/catalog.h \
	server/commands/catalog_add.c \
	server/commands/catalog_harvest.c \
	server/commands/catalog_place.c \
	server/commands/catalog_synthesize.c \
	server/commands/progress.c server/commands/progress.h \
	server/commands/run.c
