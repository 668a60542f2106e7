libsentier_a_SOURCES += \
	server/ingest/cog_folder.c \
	server/ingest/collection.c \
	server/ingest/container.c server/ingest/container.h \
	server/ingest/folder_catalog.c server/ingest/folder_catalog.h \
	server/ingest/harvest.c server/ingest/harvest.h server/ingest/harvest_parts.h \
	server/ingest/harvest_api.c \
	server/ingest/harvest_static.c \
	server/ingest/import.c server/ingest/import.h \
	server/ingest/intake.c server/ingest/intake.h \
	server/ingest/localise.c server/ingest/localise.h \
	server/ingest/parts.c server/ingest/parts.h \
	server/ingest/remote.c server/ingest/remote.h \
	server/ingest/sentinel1.c server/ingest/sentinel1.h \
	server/ingest/sentinel2.c server/ingest/sentinel2.h \
	server/ingest/sentinel2_bands.c \
	server/ingest/stac_file.c server/ingest/stac_file.h \
	server/ingest/stac_migrate.c server/ingest/stac_migrate.def server/ingest/stac_migrate.h \
	server/ingest/storer.c server/ingest/storer.h \
	server/ingest/synthesize.c server/ingest/synthesize.h \
	server/ingest/xml.c server/ingest/xml.h \
	server/ingest/xml_records.c server/ingest/xml_records.h
libsentier_a_SOURCES += server/ingest/zip_folder.c server/ingest/zip_folder.h
