# process graphs
check_PROGRAMS += tests/unit/test_periods tests/unit/test_graph_values tests/unit/test_graph_check tests/unit/test_graph_plan \
	tests/unit/test_graph_user tests/fuzz/fuzz_graph
TESTS += tests/unit/test_periods tests/unit/test_graph_values tests/unit/test_graph_check tests/unit/test_graph_plan \
	tests/unit/test_graph_user tests/fuzz/fuzz_graph
graph_double = tests/graph/double.c tests/graph/double.h tests/graph/quoted.h
tests_unit_test_periods_SOURCES = tests/unit/test_periods.c
tests_unit_test_periods_LDADD = $(unit_libs)
tests_unit_test_graph_values_SOURCES = tests/unit/test_graph_values.c $(graph_double)
tests_unit_test_graph_values_LDADD = $(unit_libs)
tests_unit_test_graph_check_SOURCES = tests/unit/test_graph_check.c $(graph_double)
tests_unit_test_graph_check_LDADD = $(unit_libs)
tests_unit_test_graph_plan_SOURCES = tests/unit/test_graph_plan.c $(graph_double)
tests_unit_test_graph_plan_LDADD = $(unit_libs)
tests_unit_test_graph_user_SOURCES = tests/unit/test_graph_user.c $(graph_double)
tests_unit_test_graph_user_LDADD = $(unit_libs)
tests_fuzz_fuzz_graph_SOURCES = tests/fuzz/fuzz_graph.c $(graph_double) $(fuzz_main)
tests_fuzz_fuzz_graph_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_graph_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
EXTRA_DIST += tests/process/reference.py tests/process/reference_places.py tests/process/random_graphs.py tests/process/test_random_graphs.py \
	tests/process/test_cubes.py tests/process/test_around.py tests/process/test_windows.py tests/process/test_mosaic.py tests/process/test_ndvi_series.py tests/process/test_neighborhoods.py tests/process/test_load_stac.py tests/process/test_curves.py tests/process/test_zones.py \
	tests/process/test_vectors.py
