# sources of sql/
