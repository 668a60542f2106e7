libsentier_a_SOURCES += \
	server/sar/annotation.c server/sar/annotation.h \
	server/sar/calibration.c server/sar/calibration.h \
	server/sar/lut.c server/sar/lut.h \
	server/sar/mgrs.c server/sar/mgrs.def server/sar/mgrs.h \
	server/sar/names.c server/sar/names.h \
	server/sar/noise.c server/sar/noise.h \
	server/sar/radiometry.c server/sar/radiometry.h \
	server/sar/speckle.c server/sar/speckle.h

# loops over rows of pixels: see processes/local.mk
server/sar/radiometry.$(OBJEXT): override CFLAGS += $(KERNEL_FLAGS)
