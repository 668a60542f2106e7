# sources of processes/
include processes/ogc/local.mk
