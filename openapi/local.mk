# sources of openapi/
