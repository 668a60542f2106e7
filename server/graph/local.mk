libsentier_a_SOURCES += \
	server/graph/around.c \
	server/graph/arrange.c \
	server/graph/arrays.c \
	server/graph/catalog.h \
	server/graph/catalogue.c \
	server/graph/climate.c \
	server/graph/clouds.c \
	server/graph/combine.c \
	server/graph/conditions.c \
	server/graph/crs.c server/graph/crs.h \
	server/graph/cube.c server/graph/cube.h \
	server/graph/cubes.c \
	server/graph/curves.c \
	server/graph/dates.c \
	server/graph/demand.c \
	server/graph/descriptions.c \
	server/graph/eval.c \
	server/graph/expr.c server/graph/expr.h \
	server/graph/exports.c \
	server/graph/extent.c \
	server/graph/formats.c server/graph/formats.h \
	server/graph/geometries.c server/graph/geometries.h \
	server/graph/graph.h \
	server/graph/labels.c \
	server/graph/lanes.def \
	server/graph/lattice.c \
	server/graph/load.c server/graph/load_files.c \
	server/graph/load.h \
	server/graph/load_source.c \
	server/graph/lower.c server/graph/lower.h \
	server/graph/masks.c \
	server/graph/neighborhood_cuts.c \
	server/graph/neighborhoods.c \
	server/graph/neighborhoods.h \
	server/graph/periods.c server/graph/periods.h \
	server/graph/plan.c server/graph/plan.h \
	server/graph/planner.h \
	server/graph/points.c \
	server/graph/polygons.c \
	server/graph/program.c server/graph/program.h \
	server/graph/ragged.c \
	server/graph/radar.c \
	server/graph/read.c \
	server/graph/picture.c server/graph/picture.h \
	server/graph/reduce.c \
	server/graph/reducers.c \
	server/graph/regrid.c \
	server/graph/rice.c server/graph/rice.h \
	server/graph/save.c \
	server/graph/scalar.c server/graph/scalar.h server/graph/logic.c \
	server/graph/scenes.c \
	server/graph/schema.c \
	server/graph/series.c \
	server/graph/shapes.c \
	server/graph/split.c \
	server/graph/stac.c server/graph/stac.h \
	server/graph/stac_scenes.c \
	server/graph/streams.c \
	server/graph/template.c \
	server/graph/texts.c \
	server/graph/trim.c \
	server/graph/udf.c server/graph/udf.h \
	server/graph/user.c \
	server/graph/times.c server/graph/times.h \
	server/graph/topology.c server/graph/topology.h \
	server/graph/value.c server/graph/value.h \
	server/graph/vectors.c \
	server/graph/walk.c \
	server/graph/zones.c
