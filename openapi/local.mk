# The API documents, embedded by documents.S. A unit test holds them against the route table.
api_documents = \
	openapi/documents.def \
	openapi/ogc.json \
	openapi/openeo.json \
	openapi/resto.json \
	openapi/service.json \
	openapi/stac.json \
	openapi/wps.json
EXTRA_DIST += $(api_documents)
libsentier_a_SOURCES += openapi/documents.S
openapi/documents.$(OBJEXT): $(api_documents)
