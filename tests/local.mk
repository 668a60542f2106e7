# sources of tests/

# make check: unit tests, fuzz corpora, the floors. TESTS that need servers are run by ./check.
AM_TESTS_ENVIRONMENT = srcdir="$(srcdir)"; export srcdir;
unit_libs = libsentier.a $(LIB_LIBS) -lcmocka -lpthread -lm
fuzz_libs = libsentier.a $(LIB_LIBS) -lpthread -lm
if FUZZING
fuzz_main =
fuzz_flags = -fsanitize=fuzzer
else
fuzz_main = tests/fuzz/replay.c
fuzz_flags =
endif
dist_check_SCRIPTS = tests/floors.sh
EXTRA_DIST += .ci/run .clang-format pytest.ini tests/conftest.py tests/requirements.txt tests/summary.py \
	tests/clients tests/fuzz/corpus
dist-hook:
	find $(distdir) -name __pycache__ -prune -exec rm -rf {} +
TESTS += tests/floors.sh

# base, json, config
check_PROGRAMS += tests/unit/test_base tests/unit/test_hoard tests/unit/test_json tests/unit/test_config tests/fuzz/fuzz_json
TESTS += tests/unit/test_base tests/unit/test_hoard tests/unit/test_json tests/unit/test_config tests/fuzz/fuzz_json
tests_unit_test_base_SOURCES = tests/unit/test_base.c
tests_unit_test_base_LDADD = $(unit_libs)
tests_unit_test_hoard_SOURCES = tests/unit/test_hoard.c
tests_unit_test_hoard_LDADD = $(unit_libs)
tests_unit_test_json_SOURCES = tests/unit/test_json.c
tests_unit_test_json_LDADD = $(unit_libs)
tests_unit_test_config_SOURCES = tests/unit/test_config.c
tests_unit_test_config_LDADD = $(unit_libs)
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c $(fuzz_main)
tests_fuzz_fuzz_json_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_json_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

# cql2
check_PROGRAMS += tests/unit/test_cql2_text tests/unit/test_cql2_match
TESTS += tests/unit/test_cql2_text tests/unit/test_cql2_match
tests_unit_test_cql2_text_SOURCES = tests/unit/test_cql2_text.c
tests_unit_test_cql2_text_LDADD = $(unit_libs)
tests_unit_test_cql2_match_SOURCES = tests/unit/test_cql2_match.c tests/cql2_meanings.h
tests_unit_test_cql2_match_LDADD = $(unit_libs)
check_PROGRAMS += tests/stac/cql2_match
tests_stac_cql2_match_SOURCES = tests/stac/cql2_match.c
tests_stac_cql2_match_LDADD = $(fuzz_libs)
EXTRA_DIST += tests/stac/cql2_reference.py tests/stac/test_cql2_random.py tests/stac/test_cql2_standard.py tests/fuzz/corpus/cql2_text \
	tests/fuzz/corpus/cql2_json tests/fuzz/corpus/wkt
cql2_fuzzers = tests/fuzz/fuzz_cql2_text tests/fuzz/fuzz_cql2_json tests/fuzz/fuzz_wkt
check_PROGRAMS += $(cql2_fuzzers)
TESTS += $(cql2_fuzzers)
tests_fuzz_fuzz_cql2_text_SOURCES = tests/fuzz/fuzz_cql2_text.c tests/fuzz/cql2_tree.h $(fuzz_main)
tests_fuzz_fuzz_cql2_text_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_cql2_text_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_cql2_json_SOURCES = tests/fuzz/fuzz_cql2_json.c tests/fuzz/cql2_tree.h $(fuzz_main)
tests_fuzz_fuzz_cql2_json_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_cql2_json_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_wkt_SOURCES = tests/fuzz/fuzz_wkt.c tests/fuzz/cql2_tree.h $(fuzz_main)
tests_fuzz_fuzz_wkt_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_wkt_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

include tests/graph/local.mk
include tests/sar/local.mk

# catalogue
check_PROGRAMS += tests/unit/test_stac tests/unit/test_catalogue tests/fuzz/fuzz_safe_xml tests/fuzz/fuzz_search_params
TESTS += tests/unit/test_stac tests/unit/test_catalogue tests/fuzz/fuzz_safe_xml tests/fuzz/fuzz_search_params
tests_unit_test_stac_SOURCES = tests/unit/test_stac.c
tests_unit_test_stac_LDADD = $(unit_libs)
tests_unit_test_catalogue_SOURCES = tests/unit/test_catalogue.c
tests_unit_test_catalogue_LDADD = $(unit_libs)
tests_fuzz_fuzz_safe_xml_SOURCES = tests/fuzz/fuzz_safe_xml.c $(fuzz_main)
tests_fuzz_fuzz_safe_xml_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_safe_xml_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_search_params_SOURCES = tests/fuzz/fuzz_search_params.c $(fuzz_main)
tests_fuzz_fuzz_search_params_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_search_params_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
EXTRA_DIST += tests/stac/test_browse.py tests/stac/test_collections.py tests/stac/test_conformance.py tests/stac/test_face.py tests/stac/test_filter.py tests/stac/offline_validator.py tests/stac/stac_fixtures.py tests/stac/test_import.py \
	tests/stac/test_run.py tests/stac/test_search.py tests/fuzz/corpus/safe_xml tests/fuzz/corpus/search_params

# users' functions
check_PROGRAMS += tests/fuzz/fuzz_udf_answers
TESTS += tests/fuzz/fuzz_udf_answers
tests_fuzz_fuzz_udf_answers_SOURCES = tests/fuzz/fuzz_udf_answers.c $(fuzz_main)
tests_fuzz_fuzz_udf_answers_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_udf_answers_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
EXTRA_DIST += tests/fuzz/corpus/udf_answers tests/process/test_udf.py tests/process/test_points.py tests/process/test_polygons.py tests/process/test_trim.py

# faces
check_PROGRAMS += tests/unit/test_schema tests/unit/test_ogc tests/unit/test_routes
TESTS += tests/unit/test_schema tests/unit/test_ogc tests/unit/test_routes
tests_unit_test_routes_SOURCES = tests/unit/test_routes.c
tests_unit_test_routes_LDADD = $(unit_libs)
tests_unit_test_schema_SOURCES = tests/unit/test_schema.c
tests_unit_test_schema_LDADD = $(unit_libs)
tests_unit_test_ogc_SOURCES = tests/unit/test_ogc.c
tests_unit_test_ogc_LDADD = $(unit_libs)

# raster
check_PROGRAMS += tests/unit/test_lanes tests/unit/test_zones tests/unit/test_source tests/unit/test_engine tests/unit/test_zip \
	tests/raster/make_results
TESTS += tests/unit/test_lanes tests/unit/test_source tests/unit/test_engine tests/unit/test_zones tests/unit/test_zip
tests_unit_test_zip_SOURCES = tests/unit/test_zip.c tests/sar/given.h tests/sar/safe.h
tests_unit_test_zip_LDADD = $(unit_libs)
tests_unit_test_engine_SOURCES = tests/unit/test_engine.c tests/raster/files.h tests/raster/plans.h
tests_unit_test_engine_LDADD = $(unit_libs)
tests_unit_test_source_SOURCES = tests/unit/test_source.c tests/raster/files.h tests/raster/plans.h
tests_unit_test_source_LDADD = $(unit_libs)
tests_unit_test_lanes_SOURCES = tests/unit/test_lanes.c
tests_unit_test_lanes_LDADD = $(unit_libs)
tests_unit_test_zones_SOURCES = tests/unit/test_zones.c
tests_unit_test_zones_LDADD = $(unit_libs)
tests_raster_make_results_SOURCES = tests/raster/make_results.c tests/raster/plans.h
tests_raster_make_results_LDADD = libsentier.a $(LIB_LIBS) -lpthread -lm
EXTRA_PROGRAMS = tests/bench/bench_raster
EXTRA_DIST += tests/raster/test_results.py
tests_bench_bench_raster_SOURCES = tests/bench/bench_raster.c tests/bench/scenes.c tests/bench/scenes.h tests/raster/plans.h
tests_bench_bench_raster_LDADD = libsentier.a $(LIB_LIBS) -lpthread -lm

# make fuzz: every target under libFuzzer, ASan and UBSan, FUZZ_SECONDS each; what is found new is
# kept in the build's own corpus, crashes stop it.
FUZZ_SECONDS = 60
fuzz:
	mkdir -p build-fuzz && cd build-fuzz && \
	  { test -e Makefile || $(abs_top_srcdir)/configure -q --enable-fuzzing CC=clang CFLAGS=-g; } && \
	  for target in $(check_PROGRAMS); do \
	    case $$target in tests/fuzz/*) ;; *) continue ;; esac; \
	    corpus=$(abs_top_srcdir)/tests/fuzz/corpus/`echo $$target | sed 's/.*fuzz_//'`; \
	    $(MAKE) -s $$target && mkdir -p found/$$target && echo $$target && \
	    $$target -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=4096 \
	      found/$$target $$corpus 2>&1 | tail -1 || exit 1; \
	  done

# make bench: ratios against a floor or a peer of the same run (see HACKING.md); minutes.
bench: all
	SENTIER_BINARY=$(abs_top_builddir)/sentier $(SHELL) $(srcdir)/tests/bench/run.sh $(abs_top_builddir)

# make bench-stac: searches under load at BENCH_STAC_ITEMS items, against pgbench and stac-fastapi-pgstac at
# BENCH_STAC_PEER of them (0: without); the catalogue stays in BENCH_STAC_FOLDER and grows from one run to the next.
BENCH_STAC_ITEMS = 100000
BENCH_STAC_PEER = 100000
BENCH_STAC_FOLDER = $(abs_top_builddir)/bench-stac
bench-stac: all
	$(SHELL) $(srcdir)/tests/bench/stac/run.sh $(abs_top_builddir) --items $(BENCH_STAC_ITEMS) --peer $(BENCH_STAC_PEER) \
	  --data $(BENCH_STAC_FOLDER)

# make bench-openeo: whole process graphs against openeo-processes-dask and xarray with odc-stac, on the same files, and
# against decoding and packing alone. Scenes (some GB) are made once in BENCH_OPENEO_FOLDER.
BENCH_OPENEO_FOLDER = $(abs_top_builddir)/bench-openeo
EXTRA_PROGRAMS += tests/bench/openeo/bench_floor
tests_bench_openeo_bench_floor_SOURCES = tests/bench/openeo/bench_floor.c tests/bench/scenes.c tests/bench/scenes.h tests/raster/plans.h
tests_bench_openeo_bench_floor_LDADD = libsentier.a $(LIB_LIBS) -lpthread -lm
bench-openeo: all
	$(SHELL) $(srcdir)/tests/bench/openeo/run.sh $(abs_top_builddir) $(BENCH_OPENEO_FOLDER) $(BENCH_OPENEO_CASES)

# make bench-s1: a whole tile of Sentinel-1 against the Orfeo ToolBox (otb-bin), and against reading and writing alone. The scene
# (2 GB) is made once in BENCH_S1_FOLDER.
BENCH_S1_FOLDER = $(abs_top_builddir)/bench-s1
EXTRA_PROGRAMS += tests/bench/sar/ortho_parts
tests_bench_sar_ortho_parts_SOURCES = tests/bench/sar/ortho_parts.c
tests_bench_sar_ortho_parts_LDADD = libsentier.a $(LIB_LIBS) -lpthread -lm
EXTRA_DIST += tests/bench/sar/bench_disk.py tests/bench/sar/bench_s1.py tests/bench/sar/bench_series.py tests/bench/sar/run.sh tests/bench/sar/scene.py
bench-s1: all
	$(SHELL) $(srcdir)/tests/bench/sar/run.sh $(abs_top_builddir) $(BENCH_S1_FOLDER)
# make bench-backscatter: a small time series by openEO's processes, from the same scene; a minute after it was made
bench-backscatter: all
	$(abs_top_builddir)/venv/bin/python $(srcdir)/tests/bench/sar/bench_series.py $(abs_top_builddir) $(BENCH_S1_FOLDER)
# make bench-s1-disk: a hundred files of two frames each through the server, and the disk and memory meanwhile; minutes
bench-s1-disk: all
	cd $(srcdir) && $(abs_top_builddir)/venv/bin/python tests/bench/sar/bench_disk.py $(abs_top_builddir)

# make soak-stac: eight writers and sixteen readers for ten minutes, while processes are killed
SOAK_SECONDS = 600
soak-stac: all
	cd $(srcdir) && SOAK_SECONDS=$(SOAK_SECONDS) SENTIER_BINARY=$(abs_top_builddir)/sentier \
	  build/venv/bin/python -m pytest -q -s -p no:cacheprovider tests/stac/test_soak.py
# make soak-openeo: 200 users poll and submit for ten minutes beside a bulk job that fills the machine
soak-openeo: all
	cd $(srcdir) && SOAK_SECONDS=$(SOAK_SECONDS) build/venv/bin/python tests/clients/soak_openeo.py $(abs_top_builddir)

# make random-graphs: more than ./check runs, against the plain evaluator; RANDOM_GRAPHS_FROM=2150 goes on where this ends
RANDOM_GRAPHS = 2000
RANDOM_GRAPHS_FROM = 150
random-graphs: all
	cd $(srcdir) && SENTIER_RANDOM_GRAPHS=$(RANDOM_GRAPHS) SENTIER_RANDOM_GRAPHS_FROM=$(RANDOM_GRAPHS_FROM) \
	  SENTIER_BINARY=$(abs_top_builddir)/sentier build/venv/bin/python -m pytest -q -n auto -p no:cacheprovider tests/process/test_random_graphs.py

# make openeo-test-suite: the official suite; OPENEO_SUITE is a clone of it with its submodules
OPENEO_SUITE = $(abs_top_builddir)/openeo-test-suite
openeo-test-suite: all
	[ -d $(OPENEO_SUITE) ] || git clone -q --recurse-submodules https://github.com/Open-EO/openeo-test-suite $(OPENEO_SUITE)
	[ -d $(OPENEO_SUITE)/venv ] || { python3 -m venv $(OPENEO_SUITE)/venv && \
	  $(OPENEO_SUITE)/venv/bin/pip install -q --disable-pip-version-check $(OPENEO_SUITE) requests; }
	cd $(srcdir) && $(OPENEO_SUITE)/venv/bin/python tests/suite/run.py $(abs_top_builddir) $(OPENEO_SUITE)

# make openeo-r: openEO's R client, which no registry has but CRAN; OPENEO_R is a clone of it. What it needs of Debian is listed
# as "r" in etc/packages.
OPENEO_R = $(abs_top_builddir)/openeo-r-client
openeo-r: all
	[ -d $(OPENEO_R) ] || git clone -q --depth 1 https://github.com/Open-EO/openeo-r-client $(OPENEO_R)
	[ -d $(OPENEO_R)/library/openeo ] || { mkdir -p $(OPENEO_R)/library && R CMD INSTALL --no-docs --library=$(OPENEO_R)/library $(OPENEO_R); }
	cd $(srcdir) && SENTIER_R_LIBRARY=$(OPENEO_R)/library SENTIER_BINARY=$(abs_top_builddir)/sentier \
	  build/venv/bin/python -m pytest -q -p no:cacheprovider tests/clients/test_openeo_r.py

# make bench-ogc: OGC API - Processes against pygeoapi and PyWPS; BENCH_OGC_JOBS, _PEER_JOBS, _KILLED and _ROWS make it smaller
bench-ogc: all
	$(SHELL) $(srcdir)/tests/bench/ogc/run.sh $(abs_top_builddir)

# make ets-processes: OGC's executable test suite; ETS_PROCESSES is a checkout of its sources, which Maven compiles
ETS_PROCESSES = $(abs_top_builddir)/ets-ogcapi-processes10
ETS_PROCESSES_VERSION = 1.3
ets-processes: all
	[ -d $(ETS_PROCESSES) ] || git clone -q --depth 1 --branch $(ETS_PROCESSES_VERSION) \
	  https://github.com/opengeospatial/ets-ogcapi-processes10 $(ETS_PROCESSES)
	cd $(srcdir) && build/venv/bin/python tests/ets/run.py $(abs_top_builddir) $(ETS_PROCESSES)

.PHONY: random-graphs openeo-r bench-ogc bench-s1 bench-s1-disk bench-backscatter ets-processes fuzz bench bench-stac bench-openeo soak-stac soak-openeo openeo-test-suite
EXTRA_DIST += tests/bench/stac tests/bench/ogc tests/bench/openeo tests/peers/openeo_js.mjs tests/peers/package.json tests/peers/package-lock.json tests/stac/test_validators.py \
	tests/stac/test_peer_clients.py tests/stac/test_schemathesis.py tests/stac/schemathesis_hooks.py tests/stac/test_soak.py
EXTRA_DIST += tests/bench/run.sh tests/clients/soak_openeo.py tests/clients/test_openeo_r.py tests/peers/openeo_r.R tests/clients/test_ogc_forms.py tests/clients/test_ogc_jobs.py tests/clients/test_ogc_openapi.py tests/suite/run.py tests/ets/run.py tests/ets/pom.xml tests/ets/java/LocalSchemas.java

# http, auth: a server of its own that test_http.py and the OpenID Connect tests talk to
check_PROGRAMS += tests/api/http_server
tests_api_http_server_SOURCES = tests/api/http_server.c
tests_api_http_server_LDADD = $(fuzz_libs)
EXTRA_DIST += tests/api/http_server.py tests/api/test_http.py tests/oidc/op.mjs tests/oidc/package.json \
	tests/oidc/package-lock.json tests/oidc/provider.py tests/api/test_tokens.py tests/api/test_user_command.py \
	tests/clients/test_oidc.py

# the queue, on a private cluster that is thrown away
check_PROGRAMS += tests/db/test_queue
TESTS += tests/db/test_queue
tests_db_test_queue_SOURCES = tests/db/test_queue.c
tests_db_test_queue_LDADD = $(unit_libs)

# searches, on one as well
check_PROGRAMS += tests/db/test_search
TESTS += tests/db/test_search
tests_db_test_search_SOURCES = tests/db/test_search.c tests/cql2_meanings.h
tests_db_test_search_LDADD = $(unit_libs)

# http, auth, net
check_PROGRAMS += tests/unit/test_http tests/unit/test_auth tests/unit/test_fetch tests/fuzz/fuzz_url tests/fuzz/fuzz_token
TESTS += tests/unit/test_http tests/unit/test_auth tests/unit/test_fetch tests/fuzz/fuzz_url tests/fuzz/fuzz_token
tests_unit_test_http_SOURCES = tests/unit/test_http.c
tests_unit_test_http_LDADD = $(unit_libs)
tests_unit_test_auth_SOURCES = tests/unit/test_auth.c
tests_unit_test_auth_LDADD = $(unit_libs)
tests_unit_test_fetch_SOURCES = tests/unit/test_fetch.c
tests_unit_test_fetch_LDADD = $(unit_libs)
tests_fuzz_fuzz_url_SOURCES = tests/fuzz/fuzz_url.c $(fuzz_main)
tests_fuzz_fuzz_url_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_url_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_token_SOURCES = tests/fuzz/fuzz_token.c $(fuzz_main)
tests_fuzz_fuzz_token_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_token_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
EXTRA_DIST += tests/api/test_pages.py
EXTRA_DIST += tests/api/jobs_common.py tests/api/test_jobs.py tests/bench/bench_jobs.py

# synthetic catalogues
EXTRA_PROGRAMS += tests/bench/stac_items
tests_bench_stac_items_SOURCES = tests/bench/stac_items.c
tests_bench_stac_items_LDADD = -lm

# the floor of bench_http.py
EXTRA_PROGRAMS += tests/bench/bare_mhd
tests_bench_bare_mhd_SOURCES = tests/bench/bare_mhd.c
tests_bench_bare_mhd_LDADD = $(LIB_LIBS)
EXTRA_DIST += tests/bench/bench_http.py

# bytes from outside: catalogues, requests, settings, parts, images, archives
outside_fuzzers = tests/fuzz/fuzz_stac tests/fuzz/fuzz_geojson tests/fuzz/fuzz_schema tests/fuzz/fuzz_config \
	tests/fuzz/fuzz_part tests/fuzz/fuzz_tiff tests/fuzz/fuzz_container tests/fuzz/fuzz_migrate tests/fuzz/fuzz_uploaded \
	tests/fuzz/fuzz_zip
check_PROGRAMS += $(outside_fuzzers)
TESTS += $(outside_fuzzers)
tests_fuzz_fuzz_stac_SOURCES = tests/fuzz/fuzz_stac.c $(fuzz_main)
tests_fuzz_fuzz_stac_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_stac_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_migrate_SOURCES = tests/fuzz/fuzz_migrate.c $(fuzz_main)
tests_fuzz_fuzz_migrate_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_migrate_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
EXTRA_DIST += tests/stac/old_stac.py tests/stac/test_migrate.py tests/stac/test_ingest.py \
	tests/stac/fake_stac.py tests/stac/test_harvest.py tests/stac/test_upkeep.py
tests_fuzz_fuzz_geojson_SOURCES = tests/fuzz/fuzz_geojson.c $(fuzz_main)
tests_fuzz_fuzz_geojson_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_geojson_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_schema_SOURCES = tests/fuzz/fuzz_schema.c $(fuzz_main)
tests_fuzz_fuzz_schema_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_schema_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c tests/fuzz/one_file.h $(fuzz_main)
tests_fuzz_fuzz_config_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_part_SOURCES = tests/fuzz/fuzz_part.c tests/fuzz/one_file.h $(fuzz_main)
tests_fuzz_fuzz_part_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_part_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_tiff_SOURCES = tests/fuzz/fuzz_tiff.c tests/fuzz/one_file.h $(fuzz_main)
tests_fuzz_fuzz_tiff_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_tiff_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_uploaded_SOURCES = tests/fuzz/fuzz_uploaded.c tests/fuzz/one_file.h $(fuzz_main)
tests_fuzz_fuzz_uploaded_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_uploaded_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_container_SOURCES = tests/fuzz/fuzz_container.c tests/fuzz/one_file.h $(fuzz_main)
tests_fuzz_fuzz_container_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_container_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
tests_fuzz_fuzz_zip_SOURCES = tests/fuzz/fuzz_zip.c tests/fuzz/one_file.h $(fuzz_main)
tests_fuzz_fuzz_zip_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_zip_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
EXTRA_DIST += tests/fuzz/corpus/stac tests/fuzz/corpus/geojson tests/fuzz/corpus/schema tests/fuzz/corpus/config \
	tests/fuzz/corpus/part tests/fuzz/corpus/tiff tests/fuzz/corpus/container tests/fuzz/corpus/zip tests/fuzz/corpus/uploaded tests/raster/test_outsiders.py

# writing and changes
EXTRA_DIST += tests/stac/test_transactions.py tests/stac/test_changes.py tests/stac/test_job_results.py

# places, PEPS
check_PROGRAMS += tests/unit/test_places tests/fuzz/fuzz_resto tests/fuzz/fuzz_ogc
TESTS += tests/unit/test_places tests/fuzz/fuzz_resto tests/fuzz/fuzz_ogc
tests_fuzz_fuzz_ogc_SOURCES = tests/fuzz/fuzz_ogc.c $(fuzz_main)
tests_fuzz_fuzz_ogc_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_ogc_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
EXTRA_DIST += tests/fuzz/corpus/resto tests/stac/test_places.py tests/clients/test_peps.py
tests_unit_test_places_SOURCES = tests/unit/test_places.c
tests_unit_test_places_LDADD = $(unit_libs)
tests_fuzz_fuzz_resto_SOURCES = tests/fuzz/fuzz_resto.c $(fuzz_main)
tests_fuzz_fuzz_resto_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_resto_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

# products of other servers
check_PROGRAMS += tests/unit/test_product_files tests/fuzz/fuzz_product_files
TESTS += tests/unit/test_product_files tests/fuzz/fuzz_product_files
EXTRA_DIST += tests/fuzz/corpus/product_files
tests_unit_test_product_files_SOURCES = tests/unit/test_product_files.c
tests_unit_test_product_files_LDADD = $(unit_libs)
tests_fuzz_fuzz_product_files_SOURCES = tests/fuzz/fuzz_product_files.c $(fuzz_main)
tests_fuzz_fuzz_product_files_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_product_files_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

# WPS
check_PROGRAMS += tests/fuzz/fuzz_wps
TESTS += tests/fuzz/fuzz_wps
EXTRA_DIST += tests/fuzz/corpus/wps
tests_fuzz_fuzz_wps_SOURCES = tests/fuzz/fuzz_wps.c $(fuzz_main)
tests_fuzz_fuzz_wps_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_wps_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

# answers of other servers, which come from the input instead of the network; parameters of coverages
check_PROGRAMS += tests/fuzz/fuzz_remote tests/fuzz/fuzz_coverage
TESTS += tests/fuzz/fuzz_remote tests/fuzz/fuzz_coverage
EXTRA_DIST += tests/fuzz/corpus/remote tests/fuzz/corpus/coverage
tests_fuzz_fuzz_remote_SOURCES = tests/fuzz/fuzz_remote.c $(fuzz_main)
tests_fuzz_fuzz_remote_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_remote_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags) -Wl,--wrap=fetch
tests_fuzz_fuzz_coverage_SOURCES = tests/fuzz/fuzz_coverage.c $(fuzz_main)
tests_fuzz_fuzz_coverage_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_coverage_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

# the feed of a collection
EXTRA_DIST += tests/stac/test_atom.py

# sandbox
check_PROGRAMS += tests/unit/test_sandbox
TESTS += tests/unit/test_sandbox
tests_unit_test_sandbox_SOURCES = tests/unit/test_sandbox.c
tests_unit_test_sandbox_LDADD = $(unit_libs)

# yaml
check_PROGRAMS += tests/fuzz/fuzz_yaml
TESTS += tests/fuzz/fuzz_yaml
tests_fuzz_fuzz_yaml_SOURCES = tests/fuzz/fuzz_yaml.c $(fuzz_main)
tests_fuzz_fuzz_yaml_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_yaml_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
EXTRA_DIST += tests/fuzz/corpus/yaml

# make cwl-conformance CWL_TESTS=FOLDER: the official suite of CWL 1.2 by cwltest, in a copy where `python` is python3.
EXTRA_DIST += tests/cwl/test_cwl.py tests/cwl/test_containers.py tests/cwl/runtime.sh tests/cwl/conformance.sh
cwl-conformance: sentier
	$(srcdir)/tests/cwl/conformance.sh $(abs_builddir)/sentier "$(CWL_TESTS)"
