libsentier_a_SOURCES += \
	server/raster/access.c server/raster/access.h \
	server/raster/assemble.c \
	server/raster/around.c server/raster/around.h \
	server/raster/block.h \
	server/raster/block_run.c server/raster/block_run.h server/raster/block_runner.h \
	server/raster/block_emit.c server/raster/block_inputs.c server/raster/block_memory.c \
	server/raster/cells.c server/raster/cells.h \
	server/raster/cog.c server/raster/cog.h \
	server/raster/coverage.c server/raster/coverage.h \
	server/raster/disk.c server/raster/disk.h \
	server/raster/encode.c server/raster/encode.h \
	server/raster/degrees.c \
	server/raster/engine.c server/raster/engine.h \
	server/raster/foreign.c server/raster/foreign.h \
	server/raster/georef.c server/raster/georef.h \
	server/raster/image.c server/raster/image.h \
	server/raster/kept.c server/raster/kept.h \
	server/raster/lanes.c server/raster/lanes.h \
	server/raster/load.c server/raster/load.h \
	server/raster/mesh.c server/raster/mesh.h \
	server/raster/patches.c server/raster/patches.h \
	server/raster/part.c server/raster/part.h \
	server/raster/pieces.c server/raster/pieces.h \
	server/raster/maker.h \
	server/raster/rasterize.c server/raster/rasterize.h \
	server/raster/schedule.c server/raster/schedule.h \
	server/raster/schedule_steps.c server/raster/schedule_values.c \
	server/raster/accuracy.c server/raster/accuracy.h \
	server/raster/sieve.c server/raster/sieve.h \
	server/raster/zip_place.c server/raster/zip_place.h \
	server/raster/sink_cog.c server/raster/sink_csv.c server/raster/sink_json.c server/raster/sink_netcdf.c server/raster/sink_picture.c \
	server/raster/sink_zarr.c server/raster/zip_file.c server/raster/zip_file.h \
	server/raster/sink_vector.c \
	server/raster/vectors.c server/raster/vectors.h \
	server/raster/zone_states.c server/raster/zone_states.h \
	server/raster/zones.c server/raster/zones.h \
	server/raster/sinks.h \
	server/raster/source.c server/raster/source.h server/raster/source_file.h server/raster/source_zip.c \
	server/raster/style.c \
	server/raster/survey.c server/raster/survey.h \
	server/raster/tiff_door.c server/raster/tiff_door.h \
	server/raster/variables.c server/raster/variables.h \
	server/raster/warp.c server/raster/warp.h \
	server/raster/windows.c server/raster/windows.h
libsentier_a_SOURCES += server/raster/probe.c server/raster/probe.h server/raster/unpack.c server/raster/unpack.h server/raster/uploaded.c server/raster/uploaded.h \
	server/raster/bucket.c server/raster/bucket.h
libsentier_a_SOURCES += \
	server/raster/colours.c server/raster/colours.h \
	server/raster/film.c server/raster/film.h \
	server/raster/lettering.c server/raster/lettering.h \
	server/raster/palettes.c server/raster/palettes.h \
	server/raster/preview.c server/raster/preview.h \
	server/raster/scaling.c server/raster/scaling.h \
	server/raster/show.h server/raster/sink_film.c \
	server/raster/stretch.c server/raster/stretch.h \
	server/raster/write_gif.c server/raster/write_video.c server/raster/write_webp.c
