libsentier_a_SOURCES += \
	server/sar/annotation.c server/sar/annotation.h \
	server/sar/border.c server/sar/border.h \
	server/sar/calibration.c server/sar/calibration.h \
	server/sar/dem.c server/sar/dem.h \
	server/sar/dem_files.c server/sar/dem_files.h \
	server/sar/doppler.c server/sar/doppler.h \
	server/sar/extent.c server/sar/extent.h \
	server/sar/facets.c server/sar/facets.h \
	server/sar/flatten.c server/sar/flatten.h \
	server/sar/geocode.c server/sar/geocode.h \
	server/sar/eof.c server/sar/eof.h \
	server/sar/geodesy.c server/sar/geodesy.h \
	server/sar/geoid.c server/sar/geoid.h \
	server/sar/ground_lines.c server/sar/ground_lines.h \
	server/sar/ground_range.c server/sar/ground_range.h \
	server/sar/layers.c server/sar/layers.h \
	server/sar/lattice.c server/sar/lattice.h \
	server/sar/lattice_rows.c server/sar/lattice_rows.h \
	server/sar/lut.c server/sar/lut.h \
	server/sar/measurement.c server/sar/measurement.h \
	server/sar/mgrs.c server/sar/mgrs.def server/sar/mgrs.h \
	server/sar/names.c server/sar/names.h \
	server/sar/noise.c server/sar/noise.h \
	server/sar/orbit.c server/sar/orbit.h \
	server/sar/ortho.c server/sar/ortho.h server/sar/ortho_files.c server/sar/ortho_image.h \
	server/sar/ortho_layers.c server/sar/ortho_layers.h \
	server/sar/ortho_source.c server/sar/ortho_source.h \
	server/sar/pass.c server/sar/pass.h \
	server/sar/product.c server/sar/product.h \
	server/sar/radar.c \
	server/sar/radiometry.c server/sar/radiometry.h \
	server/sar/relief.c server/sar/relief.h \
	server/sar/resample.c server/sar/resample.h \
	server/sar/shadow.c server/sar/shadow.h \
	server/sar/speckle.c server/sar/speckle.h \
	server/sar/view.c server/sar/view.h

# Loops over rows of pixels: see processes/local.mk. Clang tells of loops that it does not vectorise, as under the sanitizers.
ROW_FLAGS = $(KERNEL_FLAGS) -fopenmp-simd -Wno-pass-failed
server/sar/facets.$(OBJEXT): override CFLAGS += $(ROW_FLAGS)
server/sar/flatten.$(OBJEXT): override CFLAGS += $(ROW_FLAGS)
server/sar/lattice_rows.$(OBJEXT): override CFLAGS += $(ROW_FLAGS)
server/sar/resample.$(OBJEXT): override CFLAGS += $(ROW_FLAGS)
server/sar/radiometry.$(OBJEXT): override CFLAGS += $(KERNEL_FLAGS)
