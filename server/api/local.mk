libsentier_a_SOURCES += \
	server/api/routes.c \
	server/api/common/apidoc.c server/api/common/apidoc.h \
	server/api/common/build.c server/api/common/build.h \
	server/api/common/common.h \
	server/api/common/documents.c server/api/common/documents.h \
	server/api/common/health.c \
	server/api/common/keys.c server/api/common/keys.h server/api/common/keys_page.c \
	server/api/common/places.c \
	server/api/common/map.c server/api/common/map.h \
	server/api/common/landing.c server/api/common/landing.h \
	server/api/common/me.c \
	server/api/common/page.c server/api/common/page.h \
	server/api/common/results.c server/api/common/results.h \
	server/api/common/notify.c server/api/common/notify.h \
	server/api/common/product.c server/api/common/product.h \
	server/api/common/run.c server/api/common/run.h \
	server/api/ogc/execution.c server/api/ogc/execution.h \
	server/api/ogc/adhoc.c server/api/ogc/adhoc.h server/api/ogc/answer.c server/api/ogc/dataset.c \
	server/api/ogc/html.c server/api/ogc/html.h \
	server/api/ogc/html_form.c server/api/ogc/html_results.c \
	server/api/ogc/inputs.c \
	server/api/ogc/kvp.c \
	server/api/ogc/manage.c \
	server/api/ogc/deploy.c server/api/ogc/package.c server/api/ogc/package.h server/api/ogc/package_inputs.c server/api/ogc/package_types.h \
	server/api/ogc/prov.c \
	server/api/ogc/preference.c \
	server/api/ogc/products.c \
	server/api/ogc/sources.c \
	server/api/ogc/steps.c \
	server/api/ogc/workflow.c server/api/ogc/workflow.h server/api/ogc/workflow_bind.c server/api/ogc/workflow_call.c server/api/ogc/workflow_step.c server/api/ogc/workflow_step.h server/api/ogc/workflow_types.c \
	server/api/ogc/jobs.c \
	server/api/ogc/landing.c \
	server/api/ogc/ogc.h \
	server/api/ogc/openapi.c server/api/ogc/openapi.h \
	server/api/ogc/outputs.c \
	server/api/ogc/collections.c server/api/ogc/collections.h server/api/ogc/collection_items.c server/api/ogc/collection_make.c \
	server/api/ogc/collection_open.c server/api/ogc/coverage.c server/api/ogc/coverage_params.c \
	server/api/ogc/builtin.c server/api/ogc/deployed.c \
	server/api/ogc/processes.c server/api/ogc/products.h \
	server/api/ogc/results.c \
	server/api/openeo/account.c \
	server/api/openeo/capabilities.c \
	server/api/openeo/collections.c \
	server/api/openeo/files.c \
	server/api/openeo/job_results.c \
	server/api/openeo/jobs.c \
	server/api/openeo/logs.c \
	server/api/openeo/openeo.h \
	server/api/openeo/process_graphs.c \
	server/api/openeo/processes.c \
	server/api/openeo/result.c \
	server/api/openeo/services.c server/api/openeo/services.h \
	server/api/openeo/tiles.c server/api/openeo/workspaces.c server/api/openeo/wmts.c \
	server/api/common/shares.c \
	server/api/ui/ui.c server/api/ui/ui.h
libsentier_a_SOURCES += \
	server/api/stac/aggregate.c \
	server/api/stac/browse.c \
	server/api/stac/collections.c \
	server/api/stac/atom.c server/api/stac/atom.h \
	server/api/stac/bulk.c \
	server/api/stac/changes.c server/api/stac/changes.h \
	server/api/stac/conformance.c \
	server/api/stac/data.c \
	server/api/stac/extent.c server/api/stac/extent.h \
	server/api/stac/fields.c server/api/stac/fields.h \
	server/api/stac/functions.c \
	server/api/stac/html.c \
	server/api/stac/landing.c \
	server/api/stac/language.c server/api/stac/language.h \
	server/api/stac/live.c \
	server/api/stac/params.c server/api/stac/params.h \
	server/api/stac/queryables.c \
	server/api/stac/search.c \
	server/api/stac/send.c \
	server/api/stac/stac.h \
	server/api/stac/subscriptions.c server/api/stac/subscriptions.h \
	server/api/stac/texts.def \
	server/api/stac/token.c \
	server/api/stac/words.c server/api/stac/words.h \
	server/api/stac/transact.c server/api/stac/write.h \
	server/api/stac/wish.c server/api/stac/wish.h
libsentier_a_SOURCES += \
	server/api/resto/collections.c \
	server/api/resto/download.c \
	server/api/resto/feature.c \
	server/api/resto/id.c \
	server/api/resto/params.c \
	server/api/resto/resto.h \
	server/api/resto/search.c
libsentier_a_SOURCES += \
	server/api/wps/answer.c \
	server/api/wps/describe.c \
	server/api/wps/document.c \
	server/api/wps/execute.c \
	server/api/wps/pairs.c \
	server/api/wps/peps.c server/api/wps/peps.h \
	server/api/wps/peps_links.c server/api/wps/peps_links.h \
	server/api/wps/request.c server/api/wps/request.h \
	server/api/wps/values.c \
	server/api/wps/wps.c server/api/wps/wps.h \
	server/api/wps/xml.c
