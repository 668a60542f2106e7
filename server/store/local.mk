libsentier_a_SOURCES += \
	server/store/aggregate.c server/store/aggregate.h \
	server/store/collection_search.c server/store/collection_search.h \
	server/store/words.c server/store/words.h \
	server/store/count.c server/store/count.h \
	server/store/properties.def \
	server/store/property_news.c \
	server/store/queryables.c server/store/queryables.h \
	server/store/seen.h
libsentier_a_SOURCES += \
	server/store/db.c server/store/db.h \
	server/store/jobs.h \
	server/store/user_files.c server/store/user_files.h \
	server/store/deployed.c server/store/deployed.h server/store/steps.c server/store/steps.h server/store/remote_jobs.c server/store/remote_jobs.h \
	server/store/user_processes.c server/store/user_processes.h \
	server/store/workspaces.c server/store/workspaces.h \
	server/store/users.h
libsentier_a_SOURCES += \
	server/store/cluster.c server/store/cluster.h \
	server/store/migrate.c server/store/migrate.h \
	server/store/postgres.c server/store/postgres.h
libsentier_a_SOURCES += \
	server/store/job_assets.c \
	server/store/job_finish.c server/store/job_finish.h \
	server/store/job_read.c server/store/job_rows.h server/store/job_start.c \
	server/store/jobs.c \
	server/store/logs.c
libsentier_a_SOURCES += \
	server/store/services.c server/store/services.h \
	server/store/virtual_collections.c server/store/virtual_collections.h \
	server/store/tile_cache.c server/store/tile_cache.h \
	server/store/budgets.c server/store/budgets.h \
	server/store/catalog.c server/store/catalog.h \
	server/store/collection_write.c \
	server/store/collections.c server/store/collections.h \
	server/store/compose.c server/store/compose.h \
	server/store/conditions.c server/store/conditions.h \
	server/store/item_batch.c server/store/item_batch.h server/store/item_batch_rows.h server/store/item_batch_write.c \
	server/store/item_check.c \
	server/store/item_load.c \
	server/store/item_row.c server/store/item_row.h \
	server/store/items.c server/store/items.h \
	server/store/order.c server/store/order.h \
	server/store/row.c server/store/row_json.h server/store/scope.c server/store/scope.h \
	server/store/progress.c server/store/progress.h \
	server/store/search.c server/store/search.h \
	server/store/shelves.c server/store/shelves.h \
	server/store/stac_text.c server/store/stac_text.h
libsentier_a_SOURCES += \
	server/store/artefacts.c \
	server/store/tasks.c server/store/tasks.h \
	server/store/workers.c server/store/workers.h
libsentier_a_SOURCES += \
	server/store/status.c server/store/status.h \
	server/store/users.c
libsentier_a_SOURCES += server/store/gc.c server/store/gc.h
libsentier_a_SOURCES += \
	server/store/copies.c server/store/copies.h \
	server/store/cql2_sql.c server/store/cql2_sql.h \
	server/store/endpoints.c server/store/endpoints.h \
	server/store/place.c server/store/place.h \
	server/store/places.c server/store/places.h \
	server/store/places_take.c server/store/places_text.c server/store/places_text.h \
	server/store/stagings.c server/store/stagings.h
libsentier_a_SOURCES += \
	server/store/notices.c server/store/notices.h \
	server/store/changes.c server/store/changes.h \
	server/store/latest.c server/store/latest.h \
	server/store/results.c server/store/results.h \
	server/store/shape.c server/store/shape.h \
	server/store/shares.c server/store/shares.h \
	server/store/subscriptions.c server/store/subscriptions.h
libsentier_a_SOURCES += server/store/upkeep.c server/store/upkeep.h
