libsentier_a_SOURCES += \
	server/store/db.c server/store/db.h \
	server/store/jobs.h \
	server/store/users.h
libsentier_a_SOURCES += \
	server/store/cluster.c server/store/cluster.h \
	server/store/migrate.c server/store/migrate.h \
	server/store/postgres.c server/store/postgres.h
libsentier_a_SOURCES += \
	server/store/job_assets.c \
	server/store/jobs.c \
	server/store/logs.c
