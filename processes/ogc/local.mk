# What OGC API - Processes offers, embedded by descriptions.S; editing one makes it anew.
ogc_processes = \
	processes/ogc/cloud-free-mosaic.graph.json \
	processes/ogc/cloud-free-mosaic.json \
	processes/ogc/convert.graph.json \
	processes/ogc/convert.json \
	processes/ogc/echo.graph.json \
	processes/ogc/echo.json \
	processes/ogc/ndvi-composite.graph.json \
	processes/ogc/ndvi-composite.json \
	processes/ogc/ndvi-time-series.graph.json \
	processes/ogc/ndvi-time-series.json \
	processes/ogc/snapshot.graph.json \
	processes/ogc/snapshot.json \
	processes/ogc/subset.graph.json \
	processes/ogc/subset.json \
	processes/ogc/time-lapse.graph.json \
	processes/ogc/time-lapse.json \
	processes/ogc/zonal-statistics.graph.json \
	processes/ogc/zonal-statistics.json \
	processes/ogc/rice-map.graph.json \
	processes/ogc/rice-map.json \
	processes/ogc/ortho-s1-grd.graph.json \
	processes/ogc/ortho-s1-grd.json \
	processes/ogc/processes.def
EXTRA_DIST += $(ogc_processes)
libsentier_a_SOURCES += processes/ogc/descriptions.S
processes/ogc/descriptions.$(OBJEXT): $(ogc_processes)
