libsentier_a_SOURCES += \
	server/sar/annotation.c server/sar/annotation.h \
	server/sar/mgrs.c server/sar/mgrs.def server/sar/mgrs.h \
	server/sar/names.c server/sar/names.h \
	server/sar/speckle.c server/sar/speckle.h
