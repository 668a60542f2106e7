EXTRA_DIST += sql/0001-identity.sql
