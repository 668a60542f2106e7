# sources of processes/
include processes/ogc/local.mk
include processes/openeo/local.mk

# Kernels vectorise at -O3 alone, and must neither trap nor contract (see processes/kernels.h).
libsentier_a_SOURCES += \
	processes/kernels.h \
	processes/kernels_arrays.h \
	processes/kernels_series.h \
	processes/kernels_convert.h \
	processes/kernels_fit.c processes/kernels_fit.h \
	processes/kernels_folds.h \
	processes/kernels_lanes.h \
	processes/kernels_rice.c processes/kernels_rice.h \
	processes/kernels_pixels.h \
	processes/kernels_table.h \
	processes/kernels_double.c \
	processes/kernels_float.c \
	processes/kernels_pixels.c \
	processes/kernels_warp.c

KERNEL_FLAGS = -O3 -fno-math-errno -fno-trapping-math -ffp-contract=off
processes/kernels_double.$(OBJEXT): override CFLAGS += $(KERNEL_FLAGS)
processes/kernels_float.$(OBJEXT): override CFLAGS += $(KERNEL_FLAGS)
processes/kernels_pixels.$(OBJEXT): override CFLAGS += $(KERNEL_FLAGS)
processes/kernels_warp.$(OBJEXT): override CFLAGS += $(KERNEL_FLAGS)
