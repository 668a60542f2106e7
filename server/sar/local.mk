libsentier_a_SOURCES += \
	server/sar/annotation.c server/sar/annotation.h
