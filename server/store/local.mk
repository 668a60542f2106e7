libsentier_a_SOURCES += \
	server/store/db.c server/store/db.h \
	server/store/jobs.h \
	server/store/users.h
