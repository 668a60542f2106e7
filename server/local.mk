# One include a room, from the ground floor up.
include server/base/local.mk
include server/json/local.mk
include server/config/local.mk
include server/sandbox/local.mk
include server/cql2/local.mk
include server/net/local.mk
include server/store/local.mk
include server/graph/local.mk
include server/ingest/local.mk
include server/raster/local.mk
include server/jobs/local.mk
include server/pool/local.mk
include server/auth/local.mk
include server/feed/local.mk
include server/http/local.mk
include server/api/local.mk
include server/commands/local.mk
