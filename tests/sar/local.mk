# Sentinel-1
sar_tests = tests/unit/test_sar_annotation tests/unit/test_sar_radiometry tests/unit/test_sar_geometry \
	tests/unit/test_sar_geocode tests/unit/test_sar_layers tests/unit/test_sar_dem tests/unit/test_sar_product \
	tests/unit/test_sar_orbit_file tests/unit/test_sar_ortho tests/fuzz/fuzz_sar_xml
check_PROGRAMS += $(sar_tests)
TESTS += $(sar_tests)
tests_unit_test_sar_annotation_SOURCES = tests/unit/test_sar_annotation.c tests/sar/given.h
tests_unit_test_sar_annotation_LDADD = $(unit_libs)
tests_unit_test_sar_radiometry_SOURCES = tests/unit/test_sar_radiometry.c tests/sar/given.h
tests_unit_test_sar_radiometry_LDADD = $(unit_libs)
tests_unit_test_sar_geometry_SOURCES = tests/unit/test_sar_geometry.c tests/sar/given.h tests/sar/views.h
tests_unit_test_sar_geometry_LDADD = $(unit_libs)
tests_unit_test_sar_geocode_SOURCES = tests/unit/test_sar_geocode.c tests/sar/given.h tests/sar/views.h
tests_unit_test_sar_geocode_LDADD = $(unit_libs)
tests_unit_test_sar_product_SOURCES = tests/unit/test_sar_product.c tests/sar/given.h tests/sar/safe.h
tests_unit_test_sar_product_LDADD = $(unit_libs)
tests_unit_test_sar_orbit_file_SOURCES = tests/unit/test_sar_orbit_file.c tests/sar/given.h
tests_unit_test_sar_orbit_file_LDADD = $(unit_libs)
tests_unit_test_sar_layers_SOURCES = tests/unit/test_sar_layers.c tests/sar/given.h tests/sar/views.h
tests_unit_test_sar_layers_LDADD = $(unit_libs)
tests_unit_test_sar_dem_SOURCES = tests/unit/test_sar_dem.c tests/raster/files.h
tests_unit_test_sar_dem_LDADD = $(unit_libs)
tests_unit_test_sar_ortho_SOURCES = tests/unit/test_sar_ortho.c tests/sar/given.h tests/sar/safe.h
tests_unit_test_sar_ortho_LDADD = $(unit_libs)
tests_fuzz_fuzz_sar_xml_SOURCES = tests/fuzz/fuzz_sar_xml.c $(fuzz_main)
tests_fuzz_fuzz_sar_xml_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_sar_xml_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
EXTRA_DIST += tests/fuzz/corpus/sar_xml

# functions of server/sar/ as a command, which the tests in Python hold against NumPy and published tables
check_PROGRAMS += tests/sar/sar_tool
tests_sar_sar_tool_SOURCES = tests/sar/sar_tool.c
tests_sar_sar_tool_LDADD = $(fuzz_libs)
EXTRA_DIST += tests/sar/test_backscatter.py tests/sar/test_grid.py tests/sar/origin.py tests/sar/test_fetch.py tests/sar/test_ortho.py tests/sar/test_ortho_command.py tests/sar/test_ortho_doors.py tests/sar/test_speckle.py tests/sar/rays.py

# make otb-calibration: sigma0, beta0 and gamma0 of real tables against SARCalibration of the Orfeo ToolBox, with and without noise.
# Needs the packages "otb" of etc/packages, and the samples in SENTIER_SHARED; minutes.
otb-calibration: tests/sar/sar_tool
	$(PYTHON_GDAL) $(srcdir)/tests/sar/otb_calibration.py $(abs_top_builddir)
PYTHON_GDAL = /usr/bin/python3
.PHONY: otb-calibration
EXTRA_DIST += tests/sar/otb_calibration.py tests/sar/safe.h
