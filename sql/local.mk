# Migrations are embedded in the program: a changed file makes the object anew.
migrations = sql/0001-identity.sql sql/0002-jobs.sql sql/0003-catalogue.sql \
	sql/0004-search.sql \
	sql/0005-changes.sql \
	sql/0006-places.sql \
	sql/0007-cql2.sql \
	sql/0008-shares.sql \
	sql/0009-results.sql \
	sql/0010-latest.sql \
	sql/0011-user-processes.sql \
	sql/0012-upkeep.sql \
	sql/0013-queued.sql sql/0014-billing.sql sql/0015-services.sql \
	sql/0016-process-versions.sql sql/0017-workspaces.sql sql/0018-job-lists.sql \
	sql/0019-result-items.sql \
	sql/0020-notices.sql sql/0021-key-scopes.sql sql/0022-packages.sql \
	sql/0023-workflows.sql sql/0024-workspace-files.sql sql/0025-workflow-progress.sql \
	sql/0026-pixels-read.sql sql/0027-job-durations.sql sql/0028-workflow-progress.sql sql/0029-copies.sql sql/0030-virtual-collections.sql
EXTRA_DIST += $(migrations)
libsentier_a_SOURCES += sql/migrations.S sql/migrations.def
sql/migrations.$(OBJEXT): sql/migrations.def $(migrations)
