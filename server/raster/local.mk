libsentier_a_SOURCES += server/raster/engine.h
