libsentier_a_SOURCES += \
	server/graph/catalog.h \
	server/graph/cube.c server/graph/cube.h \
	server/graph/graph.h \
	server/graph/lanes.def \
	server/graph/plan.h \
	server/graph/program.h \
	server/graph/stac.c server/graph/stac.h
